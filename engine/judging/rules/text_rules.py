"""Rules over the texts: what each measures, when it fires, and where it comes from.

A rule is a function over `Pairs`: it looks at the texts, once, while judging, and leaves a flag. `measures` leaves
scores, over which `score_rules` decides, so that those thresholds can be chosen later.

SDRRL filters as WeChat's system for WMT21 did (Zeng et al. 2021, arXiv 2108.02401): by length, ratio, repetition,
sanity of characters and punctuation. Where its thresholds are not known to us, published rules stand in:

[Wu] Wu et al. 2019 (D19-1430), whose hard rules many systems have taken over: the same text on both sides, words of
    more than 40 characters, share of punctuation, HTML tags, foreign characters, a length ratio of 3;
[Bicleaner] Ramírez-Sánchez et al. 2020 (EAMT), hard rules: parentheses, Unicode noise, repetition;
[OpusFilter] Aulamo et al. 2020 (ACL demo): numerals, scripts, similarity;
[STT] Self-Translate-Train (arXiv 2407.00454); [NLLB] fairseq issues 4639, 5108, 5478, 5549.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from polydistill.engine.config import Rules
from polydistill.engine.schema import Flag
from polydistill.engine.text import profile
from polydistill.engine.text.profile import Profile
from polydistill.engine.text.segment import SENTENCE, outside, segment


@dataclass(frozen=True)
class Pairs:
    """n pairs of source and hypothesis: indices into the profile of all texts, and the measures that need both."""

    texts: Profile
    source: np.ndarray  # int64 (n,)
    hypothesis: np.ndarray  # int64 (n,)
    copied: np.ndarray  # float32 (n,)
    unmatched: np.ndarray  # float32 (n,): share of numbers without counterpart
    has_stops: bool  # whether the target language ends its sentences with a mark

    @classmethod
    def of(cls, texts: Profile, source: np.ndarray, hypothesis: np.ndarray, target: str) -> "Pairs":
        """Compare the pairs."""
        copied, unmatched = profile.overlaps(texts, source, hypothesis)
        return cls(texts, source, hypothesis, copied, unmatched, has_stops=target[4:] not in ("Thai", "Laoo"))

    def both(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """A count of `text.profile.COLUMNS` for source and hypothesis."""
        values = self.texts[column]
        return values[self.source], values[self.hypothesis]


# Rules over the texts: they leave a flag.


def empty(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Nothing but spaces where the source has text. Always unusable."""
    source, hypothesis = pairs.both("chars")
    return (source > 0) & (hypothesis == 0)


def no_letters(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Not a letter, although the source has some: dots, brackets or emoji in place of a translation.

    "3 PM" may become "15:00": up to three letters next to a number may go.
    """
    source, hypothesis = pairs.both("letters")
    _, chars = pairs.both("chars")
    starts, ends = pairs.texts.number_ends[pairs.hypothesis], pairs.texts.number_ends[pairs.hypothesis + 1]
    return (hypothesis == 0) & (chars > 0) & (source > np.where(ends > starts, 3, 0))


def few_letters(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Far fewer letters than in the source, by weight, and a smaller share of the text: signs stand for words.

    A text that is only too short is left to the score `length_ratio`.
    """
    (a, b), (chars_a, chars_b) = pairs.both("letters"), pairs.both("chars")
    source_share, share = a / np.maximum(chars_a, 1), b / np.maximum(chars_b, 1)
    source, hypothesis = (
        pairs.texts.weight[rows] * part for rows, part in ((pairs.source, source_share), (pairs.hypothesis, share))
    )
    return (source >= limits.letters) & (hypothesis < limits.letters_ratio * source) & (share < 0.8 * source_share)


def code(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Both texts look like code: it may stay as it is, so language, script and copying are not judged.

    For exact copies `code_copies` says it better.
    """
    symbols, chars = pairs.both("symbols"), pairs.both("chars")
    return (symbols[0] > limits.code * chars[0]) & (symbols[1] > limits.code * chars[1])


def code_copies(texts: list[str], source: str, limits: Rules) -> np.ndarray:
    """Which texts, in language `source`, a translator may give back as they are: bool (texts,).

    Most of the letters stand where a translator finds nothing to translate (`engine.text.segment`: code, addresses,
    LaTeX) and something in the text looks like it, or what a translator does find has a fifth of the signs that the
    rule `code` asks for: a line of SQL has few.
    """
    groups = profile.script_groups(source)
    whole = profile.profile(pa.array(texts, pa.string()), groups)
    trace = (whole["symbols"] > 0) | np.array([_TRACE.search(text) is not None for text in texts], bool)
    found = np.zeros(len(texts), bool)
    rows = np.flatnonzero(trace)  # cutting a text takes longer than all else here
    if len(rows):
        rest = profile.profile(pa.array([prose(texts[row], source) for row in rows.tolist()], pa.string()), groups)
        nothing = rest["letters"] < whole["letters"][rows] / 2
        found[rows] = nothing | (rest["symbols"] > limits.code / 5 * rest["chars"])
    return found


def prose(text: str, language: str) -> str:
    """What a translator finds to translate in a text: its sentences without code, addresses and other spans."""
    return " ".join(outside(piece) for piece in segment(text, language) if piece.kind == SENTENCE)


_TRACE = re.compile(
    r"[A-Za-z_]\w*\(|\w[.@/]\w|\b(?:SELECT|INSERT|UPDATE|DELETE)\b.*\b(?:FROM|INTO|SET)\b|^(?:import|from) \w"
    r"|\$ ?\w|^\s*(?:for|while|if|def|class|return)\b.*:$",
    re.ASCII | re.MULTILINE | re.DOTALL,
)
"""What code, addresses and queries have somewhere, and a heading in capitals or a quoted phrase does not."""


def bad_characters(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Control, private-use or replacement characters or unknown-token marks that are not in the source [Bicleaner]."""
    source, hypothesis = pairs.both("bad")
    return hypothesis > source


def brackets(pairs: Pairs, limits: Rules) -> np.ndarray:
    """More unmatched brackets (), [], {} than the source has, full-width and CJK ones included [Bicleaner]."""
    source, hypothesis = pairs.both("brackets")
    return hypothesis > source


def punctuation(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Far more of the text is punctuation than in the source, as when decoding runs into dots [Wu]."""
    (source, hypothesis), (a, b) = pairs.both("marks"), pairs.both("chars")
    return hypothesis / np.maximum(b, 1) > source / np.maximum(a, 1) + limits.punctuation


def tags(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Another number of HTML-like tags than in the source [Wu: any]."""
    source, hypothesis = pairs.both("tags")
    return hypothesis != source


def digits(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Numbers lost or invented: compared as runs of digits in any script, so 1,000.5 equals 1.000,5.

    Only noted: a language may write small numbers out and count in other units [OpusFilter].
    """
    return pairs.unmatched > limits.numbers


def sentences(pairs: Pairs, limits: Rules) -> np.ndarray:
    """Sentences dropped or added, by a factor: NLLB drops some of several [NLLB]. Not for Thai and Lao."""
    source, hypothesis = pairs.both("stops")
    least, most = np.minimum(source, hypothesis), np.maximum(source, hypothesis)
    return (most > limits.sentences * least) & (most > 2) & pairs.has_stops


def long_word(pairs: Pairs, limits: Rules) -> np.ndarray:
    """A word longer than any writer's that is not in the source [Wu: 40 characters]."""
    source, hypothesis = pairs.both("longest")
    return (hypothesis > limits.long_word) & (hypothesis > source)


TextRule = Callable[[Pairs, Rules], np.ndarray]
"""(n pairs, thresholds) -> whether the rule fires, bool (n,)."""

TEXT_RULES: dict[Flag, TextRule] = {
    Flag.EMPTY: empty,
    Flag.NO_LETTERS: no_letters,
    Flag.FEW_LETTERS: few_letters,
    Flag.CODE: code,
    Flag.BAD_CHARACTERS: bad_characters,
    Flag.BRACKETS: brackets,
    Flag.PUNCTUATION: punctuation,
    Flag.TAGS: tags,
    Flag.DIGITS: digits,
    Flag.SENTENCES: sentences,
    Flag.LONG_WORD: long_word,
}


def measures(pairs: Pairs, limits: Rules, is_code: np.ndarray) -> dict[str, np.ndarray]:
    """The scores that come from the texts: float32 (n,), NaN where too little text makes the measure meaningless.

    length_ratio: weighted characters of the hypothesis over those of the source [STT 3.2], weights by script
        (`text.profile.WEIGHTS`).
    repetition: share of the words inside the longest loop, less that of the source [NLLB: repeats itself].
    copied: share of the hypothesis' words that stand in the source as well [OpusFilter: similarity].
    script: share of the letters that are in the target's script. For Chinese, that of the Han letters times, among
        the characters of one form only, the share of the target's form.
    """
    texts, source, hypothesis = pairs.texts, pairs.source, pairs.hypothesis
    letters = texts["letters"][hypothesis]
    own, other = texts["own_form"][hypothesis], texts["other_form"][hypothesis]
    short = np.maximum(texts.weight[source], texts.weight[hypothesis]) < limits.letters
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = texts.weight[hypothesis] / texts.weight[source]
        script = (texts["in_script"][hypothesis] + own + other) / letters
    # One character of the other form may be a name's.
    script = np.where(other > 1, script * own / np.maximum(own + other, 1), script)
    # A short hypothesis is judged where the source had enough to say.
    most = np.maximum(texts.weight[source], texts.weight[hypothesis])
    few = (letters < limits.letters) & ((letters < limits.letters / 2) | (most < limits.letters))
    few &= own + other < 3
    return {
        "length_ratio": np.where(short, np.nan, ratio).astype(np.float32),
        "repetition": np.maximum(texts.loop[hypothesis] - texts.loop[source], 0),
        "copied": np.where(is_code | (letters < limits.letters / 2), np.nan, pairs.copied).astype(np.float32),
        "script": np.where(is_code | few, np.nan, script).astype(np.float32),
    }
