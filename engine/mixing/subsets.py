"""The samples of one pool subset: which rows, which texts, and why not the others."""

from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.mixing.counts import Counts, Dropped, Made, Switching
from polydistill.engine.mixing.instructions import ask, question_format
from polydistill.engine.mixing.recipe import Recipe, Subset
from polydistill.engine.mixing.switching.codeswitch import Lexicon, switch
from polydistill.engine.mixing.texts import Reasons, Rows, first, where
from polydistill.engine.schema import MIXTURE
from polydistill.engine.seeds import uniform

QUESTION = ("instruction", "input")

Lexicons = Callable[[str, str], Lexicon | None]
"""(language of the text, language of the replacements) -> lexicon; None where that pair stays unswitched."""


@dataclass(frozen=True)
class Question:
    """Texts of the chosen rows' questions, and how many words of each were switched of how many covered."""

    texts: dict[str, pa.Array]  # instruction, input
    switched: np.ndarray  # int32 (rows,)
    switchable: np.ndarray  # int32 (rows,)


def pool_subset(
    rows: Rows,
    recipe: Recipe,
    name: str,
    seed: int,
    lexicons: Lexicons,
    counts: Counts,
    among: np.ndarray | None = None,
) -> pa.Table:
    """The MIXTURE rows of the subset `name`, in the rows' order; `counts` is added to.

    Args:
        among: only these rows are looked at, bool (rows,); None: all.
    """
    subset = recipe.subsets[name]
    reason, truth = unusable(rows, recipe, subset, seed)
    usable = pc.is_null(reason).to_numpy(zero_copy_only=False)
    chosen = np.flatnonzero(usable if among is None else usable & among)
    target = rows.source.language if subset.source_only else rows.target.language
    for why in pc.value_counts(reason if among is None else reason.filter(among)).to_pylist():
        if why["values"] is not None:
            counts.dropped[Dropped(name, target, why["values"])] += why["counts"]
    counts.rows[Made(name, target)] += len(chosen)

    question = _question(rows, recipe, name, seed, lexicons, counts, chosen)
    truth = truth[chosen]
    answers = (taken(rows.texts(subset.answer).columns[which], chosen) for which in ("truth", "self"))
    columns = {
        "id": taken(rows.source.ids, chosen),
        **question.texts,
        "system": taken(rows.texts(subset.question).system, chosen),
        "history": taken(rows.texts(subset.question).history, chosen),
        "response": pc.if_else(truth, *answers),
        "answer": pc.if_else(truth, "truth", "self"),
        "switched": pa.array(question.switched),
        "switchable": pa.array(question.switchable),
    }
    answer_language = rows.texts(subset.answer).language
    if recipe.format is not None:
        columns |= _formatted(columns, question_format(recipe.format))
    if subset.ask is not None:
        columns |= _asked(columns, ask(subset.ask, answer_language), everywhere=subset.ask != "native")
    languages = Languages(rows.source.language, target, rows.texts(subset.question).language, answer_language)
    return mixture(columns, name, languages, subset.weight)


def unusable(rows: Rows, recipe: Recipe, subset: Subset, seed: int) -> tuple[pa.Array, np.ndarray]:
    """Why each row cannot be used in a pool subset ("field:reason", null where it can), and whether its answer is y.

    The coin between y and y^ (SDRRL) is thrown once per prompt, whatever the language and the subset. Only what
    the subset needs is asked for: a bad translation of the question does no harm where the question stays as it is.

    Returns:
        string (rows,); bool (rows,).
    """
    assert subset.answer is not None
    truth = uniform(seed, rows.source.bits, "coin") < recipe.coin(subset).truth
    reasons: list[Reasons] = []
    if subset.part is not None:
        reasons.append(where(~_part(rows, recipe, subset.part, seed), "part:other"))
    if not subset.source_only and rows.source.language == rows.target.language:
        reasons.append(where(np.ones(len(rows), bool), "target:same_language"))
    for name in QUESTION:
        reasons += [rows.target.lost(name), rows.target.leaks(name)] if subset.question == "target" else []
        reasons.append(rows.source.leaks(name))
    if subset.question == "target":
        reasons += [rows.target.conversation_lost(), rows.target.conversation_leaks()]
    reasons.append(rows.source.conversation_leaks())
    none = pa.nulls(len(rows), pa.string())
    answers = (rows.answerless(name, subset.answer) for name in ("truth", "self"))
    reasons.append(pc.if_else(truth, *(none if reason is None else reason for reason in answers)))
    return first(*reasons), truth


def _part(rows: Rows, recipe: Recipe, name: str, seed: int) -> np.ndarray:
    """Whether each row falls into that part of the recipe's `parts`; drawn for each target language on its own."""
    parts = recipe.parts or {}
    ends = np.cumsum(list(parts.values()))
    ends[-1] = 1.0
    draws = uniform(seed, rows.source.bits, f"part:{rows.target.language}")
    return np.searchsorted(ends, draws, side="right") == list(parts).index(name)


def _question(
    rows: Rows, recipe: Recipe, name: str, seed: int, lexicons: Lexicons, counts: Counts, chosen: np.ndarray
) -> Question:
    """The chosen rows' questions, source ones switched to the target, translated ones to the source."""
    subset = recipe.subsets[name]
    side = subset.question
    assert side is not None
    texts, other = rows.texts(side), rows.texts("target" if side == "source" else "source").language
    probability = recipe.probability(subset)
    lexicon = lexicons(texts.language, other) if probability > 0 and other != texts.language else None
    switched = switchable = np.zeros(len(chosen), np.int32)
    if lexicon is None:
        return Question({field: taken(texts.text(field), chosen) for field in QUESTION}, switched, switchable)
    made = {}
    for field in QUESTION:
        found = rows.matches(side, field, lexicon)
        new = switch(texts.words(field), lexicon, found, rows.source.bits, probability, seed, f"{name}:{field}", chosen)
        made[field], switched, switchable = new.texts, switched + new.switched, switchable + new.switchable
    pair = Switching(texts.language, other)
    counts.switched[pair] += int(switched.sum())
    counts.switchable[pair] += int(switchable.sum())
    return Question(made, switched, switchable)


def _formatted(columns: dict[str, pa.Array], template: str) -> dict[str, pa.Array]:
    """Instruction and input as one text, where there is an input."""
    pieces: list[pa.Array | str] = []
    for literal, field, _, _ in Formatter().parse(template):
        pieces += [literal, *([columns[field]] if field else [])]
    question = pc.if_else(
        pc.equal(columns["input"], ""), columns["instruction"], pc.binary_join_element_wise(*pieces, "")
    )
    return {"instruction": question, "input": pa.repeat("", len(question))}


def _asked(columns: dict[str, pa.Array], request: str, everywhere: bool) -> dict[str, pa.Array]:
    """The questions with a request for the answer's language at their end: behind the input, where there is one.

    Args:
        everywhere: also where the answer has no letter. Numbers and labels are in no language, so that
            Self-Translate-Train (section 3.3) asks only where the answer is natural language.
    """
    natural = pc.match_substring_regex(columns["response"], r"\p{L}")
    wanted = pc.true_unless_null(columns["response"]) if everywhere else natural
    without = pc.equal(columns["input"], "")
    return {
        name: pc.if_else(pc.and_(wanted, here), pc.binary_join_element_wise(columns[name], request, " "), columns[name])
        for name, here in (("instruction", without), ("input", pc.invert(without)))
    }


def taken(column: pa.Array, rows: np.ndarray) -> pa.Array:
    """Some rows of a column; `rows`: int64, ascending."""
    return column if len(rows) == len(column) else column.take(pa.array(rows))


@dataclass(frozen=True)
class Languages:
    """The languages of samples, FLORES-200 codes."""

    source: str
    target: str
    question: str
    answer: str


def mixture(columns: dict[str, pa.Array], subset: str, languages: Languages, weight: float) -> pa.Table:
    """`columns` with the constant ones of a subset, as a MIXTURE table."""
    constants = {
        **{"subset": subset, "source": languages.source, "target": languages.target, "weight": weight},
        **{"question_language": languages.question, "answer_language": languages.answer},
    }
    size = len(columns["id"])
    every = {name: pa.nulls(size, MIXTURE.field(name).type) for name in ("system", "history")} | columns
    every |= {name: pa.repeat(pa.scalar(value, MIXTURE.field(name).type), size) for name, value in constants.items()}
    return pa.table([every[name] for name in MIXTURE.names], schema=MIXTURE)
