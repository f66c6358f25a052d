"""Every column of every table, named, typed and explained once.

A *row* is one prompt: instruction, optional input, the answer that came with it (`truth`) and the answer the
student gave itself (`self`). The four texts are the row's *fields*. A *pool* row is one row in one target
language: the four fields, their translations, the judge's scores for each and, where something failed, why.
"""

from enum import StrEnum

import pyarrow as pa

FIELDS = ("instruction", "input", "truth", "self")
"""The texts of a row that are translated and judged, in this order. Empty ("") or null ones are passed over."""


class Note(StrEnum):
    """What the translation stage noticed about a text. A text's notes stand in this order."""

    TRUNCATED = "truncated"  # the hypothesis reached its token limit
    NO_END = "no_end"  # it stopped without the model's end token
    EMPTY = "empty"  # a sentence came back without a word
    SPAN_LOST = "span_lost"  # a protected span is missing from the hypothesis
    TERM_LOST = "term_lost"  # the glossary's translation of a term is not in the hypothesis
    SPAN_SPLIT = "span_split"  # the model lost a span's mark, so the text around the spans was translated in parts
    NUMBER_LOST = "number_lost"  # a number of the source is not in the hypothesis
    UNKNOWN_TOKEN = "unknown_token"  # a character that the model's vocabulary lacks: it left a hole in the hypothesis
    PREAMBLE = "preamble"  # a language model announced its translation; the announcement was cut off
    REMARK = "remark"  # a language model said more than the translation; the rest was cut off
    REFUSAL = "refusal"  # a language model refused to translate
    ANSWERED = "answered"  # a language model answered the question instead of translating it
    ANSWER_LOST = "answer_lost"  # an answer's marks did not come back: it has the translation that it got by itself
    GIVEN = "given"  # the translation came with the prompts
    NOT_GIVEN = "not_given"  # no translation came with the prompts, and there is no translator
    ERROR = "error"  # stored as "error: message": there is no hypothesis, and the message says why


HISTORY = pa.list_(
    pa.struct(
        [
            pa.field("role", pa.string()),  # "system", "user", "assistant" or "tool"
            pa.field("content", pa.string()),  # null where the turn has no text (a tool call)
            pa.field("payload", pa.string()),  # JSON object of all else in the turn (tool calls, ids); null for nothing
        ]
    )
)
"""Turns of a conversation other than the question and its answer, see `engine.prompts.conversation`."""

PROMPT = pa.schema(
    [
        # 16 hex digits: content hash of source language, the three texts, and system prompt and history where given
        pa.field("id", pa.string()),
        pa.field("source", pa.string()),  # language of the row, FLORES-200 code, e.g. eng_Latn
        pa.field("origin", pa.string()),  # where it came from: file name and row number, "alpaca.json:17"
        pa.field("instruction", pa.string()),  # never empty
        pa.field("input", pa.string()),  # "" where the instruction needs none
        pa.field("truth", pa.string()),  # y: the answer that came with the data; "" where the data has none
        pa.field("system", pa.string()),  # system prompt; null where the row has none
        pa.field("history", HISTORY),  # the other turns; null where the row is a single question
    ]
)
"""One cleaned, unique row of an instruction file (`prompts/`)."""

GIVEN = pa.schema([pa.field(name, pa.string()) for name in ("instruction", "input", "truth")])
"""Translations of a PROMPT row into one language that came with it (`prompts/<target>/`); null where there is none."""

CANDIDATE = pa.struct(
    [
        pa.field("text", pa.string()),
        pa.field("finish", pa.string()),  # as `self_error`, "stop" for a whole answer
        pa.field("tokens", pa.int32()),  # tokens generated
        pa.field("score", pa.float32()),  # by `student.select`; null where it cannot be chosen
    ]
)
"""One of several answers of the student."""

GENERATED = pa.schema(
    [
        *PROMPT,
        pa.field("self", pa.string()),  # y^: the student's own answer; null where generation failed or is off
        pa.field("self_tokens", pa.int32()),  # tokens generated, reasoning included
        # Null for a whole answer. "length": cut at max_tokens, "context": cut at the end of the model's context.
        # Without an answer: "reasoning" (the trace did not end), "empty", "unverified" (no candidate says what `truth`
        # says), "unscored" (the reward model could read no candidate), "error: ..." (the engine's message).
        pa.field("self_error", pa.string()),
        pa.field("self_reasoning", pa.string()),  # the trace cut off from the answer; null where there is none
        pa.field("self_candidates", pa.list_(CANDIDATE)),  # all answers where there are several, else null
    ]
)
"""A row after self-generation (`generated/`): made once, whatever the number of languages."""

TRANSLATED = pa.schema(
    [
        *GENERATED,
        pa.field("target", pa.string()),  # language translated into, FLORES-200 code
        *(pa.field(f"mt_{field}", pa.string()) for field in FIELDS),  # hypothesis; null where the source is empty/null
        # What was noticed about each hypothesis: values of Note, "error: ..." first. Null where nothing was translated,
        # [] where all was well.
        *(pa.field(f"notes_{field}", pa.list_(pa.string())) for field in FIELDS),
    ]
)
"""A row in one target language, translated but not judged."""

OTHERS = pa.list_(pa.struct([pa.field("text", pa.string()), pa.field("notes", pa.list_(pa.string()))]))
"""A text's further hypotheses, best first: columns `others_<field>` behind TRANSLATED where several were asked for."""


class _Described(StrEnum):
    """Names with a sentence each, for reports and docs."""

    description: str

    def __new__(cls, name: str, description: str) -> "_Described":
        member = str.__new__(cls, name)
        member._value_ = name
        member.description = description
        return member


class Flag(_Described):
    """Every name that may stand in a field's `flags`. Those in `judge.rules.drop` make the text unusable."""

    # What the translator notices about a hypothesis.
    ERROR = "error", "The translator or the judge failed on this text"
    TRUNCATED = "truncated", "The translator stopped at its token limit"
    NO_END = "no_end", "The translator stopped without its end token"
    SPAN_LOST = "span_lost", "A protected span (code, address, placeholder) is missing"
    TERM_LOST = "term_lost", "The glossary's translation of a term is missing"
    SPAN_SPLIT = "span_split", "The text around a protected span was translated in parts"
    NUMBER_LOST = "number_lost", "A number of a source sentence is not in the hypothesis"
    UNKNOWN_TOKEN = "unknown_token", "The model wrote its unknown token, which leaves a hole in the text"
    PREAMBLE = "preamble", "The translator announced its translation, which was cut off"
    REMARK = "remark", "The translator said more than the translation, which was cut off"
    REFUSAL = "refusal", "The translator refused"
    ANSWERED = "answered", "The translator answered the question instead of translating it"
    ANSWER_LOST = "answer_lost", "The marks around an answer inside its input are missing"
    GIVEN = "given", "The translation came with the prompts and is not the translator's"
    # What the judge's rules find in the texts.
    EMPTY = "empty", "Nothing but spaces, although the source has text"
    NO_LETTERS = "no_letters", "Not a letter, although the source has some"
    FEW_LETTERS = "few_letters", "Far fewer letters than in the source, by weight"
    CODE = "code", "Both texts are code, so language, script and copying are not judged"
    BAD_CHARACTERS = "bad_characters", "Control, private-use or unknown characters that the source does not have"
    BRACKETS = "brackets", "More unmatched brackets than in the source"
    PUNCTUATION = "punctuation", "A far larger share of punctuation than in the source"
    TAGS = "tags", "Another number of HTML-like tags than in the source"
    DIGITS = "digits", "Numbers lost or invented"
    SENTENCES = "sentences", "Far fewer or far more sentences than in the source"
    LONG_WORD = "long_word", "A word that is longer than any writer's and that the source does not have"
    EQUALS_INPUT = "equals_input", "The translated answer equals the translated input, although the originals differ"
    SOURCE_TRUNCATED = "source_truncated", "The student's answer was cut at its token limit before translation"
    LANGUAGE_TASK = (
        "language_task",
        "The task depends on the source language's words and does not survive translation",
    )
    QUALITY_ERROR = "quality_error", "The quality model failed on this text"
    QUALITY_PARTIAL = "quality_partial", "The quality model read only the beginning of this text"
    QUALITY_SENTENCES = "quality_sentences", "The quality estimate is that of the text's worst sentence"


class Reason(_Described):
    """Why a hypothesis, or a row, is not used. Every `Flag` in `judge.rules.drop` is a reason as well."""

    WRONG_SCRIPT = "wrong_script", "Too few letters are in the target's script"
    OFF_TARGET = "off_target", "Language ID is certain of another language"
    MIXED_LANGUAGE = "mixed_language", "Too small a share of the text is in the target language"
    LENGTH_RATIO = "length_ratio", "Far shorter or longer than the source"
    REPETITION = "repetition", "The hypothesis runs in a loop and the source does not"
    COPIED = "copied", "Nearly every word stands in the source"
    LOW_QUALITY = "low_quality", "The quality estimate is below the threshold"
    NARROW = "narrow", "A next best hypothesis passes, but not by `judge.quality.margin`. Only in `tried_<field>`"
    UNSCORED = "unscored", "A quality estimate is wanted and there is none"
    NOT_GIVEN = "not_given", "No translation came with the prompts, and there is no translator"
    MISSING = "missing", "The row has neither its own answer nor the student's"


SCORES = pa.struct(
    [
        pa.field("language", pa.string()),  # language-ID's best label for the hypothesis, FLORES-200 code
        pa.field("language_score", pa.float32()),  # its probability, 0..1
        pa.field("target_share", pa.float32()),  # share of the text's parts identified as the target language, 0..1
        pa.field("length_ratio", pa.float32()),  # weighted characters, hypothesis / source
        pa.field("repetition", pa.float32()),  # share of the hypothesis taken by its most repeated n-gram, 0..1
        pa.field("copied", pa.float32()),  # share of the hypothesis' words that stand in the source as well, 0..1
        pa.field("script", pa.float32()),  # share of letters in the target's script, 0..1
        pa.field("quality", pa.float32()),  # reference-free QE score; null when QE was off or the text was not scored
        pa.field("flags", pa.list_(pa.string())),  # names of every rule that fired, whatever its severity
    ]
)
"""What the judge measured about one hypothesis. Null fields were not measured."""

JUDGED = pa.schema(
    [
        *TRANSLATED,
        *(pa.field(f"scores_{field}", SCORES) for field in FIELDS),
        # Why this field's hypothesis is unusable under the thresholds of the run, e.g. "off_target", "low_quality",
        # "length_ratio"; null where it is usable (or there is nothing to translate).
        *(pa.field(f"reason_{field}", pa.string()) for field in FIELDS),
        # Why the whole row is unusable, "field:reason"; null where it is kept: the question is usable and so is at
        # least one answer.
        pa.field("reason", pa.string()),
    ]
)
"""A row in one target language, translated and judged. A conversation's other turns are rows of their own so far."""

POOL = pa.schema(
    [
        *JUDGED,
        # What translation and judge say of the system prompt, and of each turn of the history in its order. Null where
        # the row has none; a turn that is not translated (a tool's) has its own text as `mt_history` and nothing else.
        pa.field("mt_system", pa.string()),
        pa.field("mt_history", pa.list_(pa.string())),
        pa.field("notes_system", pa.list_(pa.string())),
        pa.field("notes_history", pa.list_(pa.list_(pa.string()))),
        pa.field("scores_system", SCORES),
        pa.field("scores_history", pa.list_(SCORES)),
        pa.field("reason_system", pa.string()),
        pa.field("reason_history", pa.list_(pa.string())),
    ]
)
"""A row in one target language with everything known about it (`pool/<target>/`). Nothing is ever left out."""

TRIED = pa.list_(
    pa.struct(
        [
            pa.field("origin", pa.string()),  # "beam": the translator's n best; "fallback": the second translator
            pa.field("rank", pa.int32()),  # place among the hypotheses of its origin; 0 is the first
            pa.field("text", pa.string()),
            pa.field("quality", pa.float32()),  # null where it was not scored
            pa.field("reason", pa.string()),  # null: it passed every test
            pa.field("taken", pa.bool_()),  # whether it stands in `mt_<field>`
        ]
    )
)
"""Every hypothesis that was judged for a text whose first one had failed, the first one included."""

RESCUED = pa.schema(
    [
        *JUDGED,
        *(pa.field(f"tried_{field}", TRIED) for field in FIELDS),  # null where the first hypothesis was good
        pa.field("reason_without_rescue", pa.string()),  # `reason` as it was with first hypotheses only
        pa.field("reason_without_fallback", pa.string()),  # `reason` as it was before the second translator
    ]
)
"""JUDGED rows of a run with `translate.hypotheses` above 1 or `translate.fallback`. Its pool has these columns too."""

MIXTURE = pa.schema(
    [
        pa.field("id", pa.string()),  # row id of the pool row (for parallel text: content hash of the pair)
        pa.field("subset", pa.string()),  # the recipe's name for it: LL, TL, LT, TT, mt, comp, ...
        pa.field("source", pa.string()),  # source language of the row
        pa.field("target", pa.string()),  # target language it serves; equals source for source-only subsets
        pa.field("question_language", pa.string()),
        pa.field("answer_language", pa.string()),
        pa.field("system", pa.string()),  # system prompt, in the question's language; null where there is none
        pa.field("history", HISTORY),  # the other turns, in the question's language; null for a single question
        pa.field("instruction", pa.string()),
        pa.field("input", pa.string()),
        pa.field("response", pa.string()),  # what is learned
        pa.field("answer", pa.string()),  # where the response comes from: "truth", "self" or "parallel"
        pa.field("switched", pa.int32()),  # question tokens replaced by code-switching
        pa.field("switchable", pa.int32()),  # question tokens that the dictionary covers
        pa.field("weight", pa.float32()),  # the subset's weight in the objective (the recipe's `weight`, default 1)
    ]
)
"""One training sample (`mixtures/<name>/`). The prompt template is applied by the trainer, not stored."""
