"""Cleaning of instruction rows: what is fixed, and what makes a row unusable.

Mended, and counted under these names:
    line_ends     CR LF, CR, vertical tab, form feed, NEL and the Unicode line and paragraph separators become LF
    control       other control characters, byte order marks and noncharacters are removed
    normalized    Unicode form NFC
    no_input      an input that only says that there is none ("<noinput>", "No input required.", "N/A") becomes ""
    calculator    GSM8K's calculator marks ("48/2 = <<48/2=24>>24") are removed from answers, where that is asked for
    no_output     an answer that only says that there is none ("<nooutput>") becomes "": the row has no truth
    reasoning     the trace before an answer (<think>...</think>) is cut off, also in the turns of a conversation
    reasoning_unfinished  a trace that does not end is all of an answer, which becomes "": the row has no truth
White space around the texts is removed without counting. Zero-width spaces stay: Khmer and Thai separate words by them.

Reasons for dropping a row:
    too_long           a text above the configured number of characters
    empty_instruction  nothing left of the instruction
    merged             a second instruction follows in one of the texts ("11. Instruction: ... 11. Input: ...")
    attachment         the input only stands for a picture or a file that is not there ("<Picture attached>")
    url_only           the input is nothing but an address: the task is about a page that a model cannot open

In 28,203 rows of Stanford Alpaca these are 289 no_input, 15 no_output, 1 control, 1 line_ends, 23 merged, 47 attachment
and 79 url_only. All rows of the last three were read: `merged` and `attachment` without a mistake; of `url_only` eight
are about the address itself (its domain, say), the answers of the others are invented.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl

from polydistill.engine.config import PromptSource
from polydistill.engine.text.reasoning import MARKS, cut_reasoning

TEXTS = ("instruction", "input", "truth")
TURNS = ("system", "history")

_LINE_ENDS = r"\r\n?|[\x0b\x0c\x{85}\x{2028}\x{2029}]"
_CONTROL = r"[\x00-\x08\x0e-\x1f\x7f-\x{9f}\x{feff}\x{fffe}\x{ffff}]"
_QUOTES = r"[\s<>\[\](){}\"'`\\.,;:*-]*"
_NO_INPUT = rf"(?i)^{_QUOTES}(no ?inputs?|noinpute|noput)( (is )?(required|needed|necessary|provided|given))?{_QUOTES}$"
_NOTHING = r"(?i)^[<\[(]?(n/a|none|not applicable)[>\])]?\.?$"
_NO_OUTPUT = rf"(?i)^{_QUOTES}no ?output{_QUOTES}$"
_MERGED = r"(?m)^\s*\d+\.\s*Instruction\s*:"
_THINGS = (
    "picture|image|photo|photograph|painting|figure|video|audio|sound|file|attached|attachment|screenshot|drawing|"
    "chart|graph|illustration|clip|recording|spreadsheet|document|sketch|cartoon|map|logo"
)
_ATTACHMENT = rf"(?i)^[\[<({{][^\[\]<>(){{}}\n]*\b({_THINGS})s?\b[^\[\]<>(){{}}\n]*[\]>)}}]$"
_CALCULATOR = r"<<[^<>\n]*>>"
_URL = r"^\W?(https?://|www\.)\S+$"


def clean(frame: pl.DataFrame, source: PromptSource) -> tuple[pl.DataFrame, dict[str, int]]:
    """Mend the texts and give unusable rows a reason; rows that have one already keep it.

    Args:
        frame: as `engine.prompts.fields` makes it.
        source: as configured; its `max_chars`, `calculator_marks` and `reasoning` count.

    Returns:
        The frame with the same rows, `input` and `truth` never null and an empty `system` null. Rows fixed by kind
        of mending.
    """
    usable = pl.col("reason").is_null()
    frame = frame.with_columns(pl.col("input", "truth").fill_null(""))
    counts: dict[str, int] = {}
    if source.reasoning == "cut":  # first: a trace says nothing about the length of an answer
        frame = _without_reasoning(frame, counts)
    max_chars = source.max_chars
    too_long = pl.any_horizontal(pl.col(*TEXTS, "system").str.len_chars() > max_chars) | (
        pl.col("history").list.eval(pl.element().struct.field("content").str.len_chars()).list.max() > max_chars
    )
    frame = frame.with_columns(
        reason=pl.when(usable & too_long.fill_null(False)).then(pl.lit("too_long")).otherwise("reason")
    )
    # Rows that are dropped are not worth the work, and a text may be very long.
    texts = frame.select(
        *(pl.when(usable).then(pl.col(name)).otherwise(pl.lit("")).alias(name) for name in TEXTS),
        *(pl.when(usable).then(pl.col(name)).alias(name) for name in TURNS),
    )

    for kind, pattern, new in (("line_ends", _LINE_ENDS, "\n"), ("control", _CONTROL, "")):
        if _contains(texts, pattern):  # rarely, and looking costs less than replacing and comparing
            mended = _everywhere(texts, lambda text: text.str.replace_all(pattern, new))  # noqa: B023
            texts = _counted(kind, texts, mended, counts)
    texts = _counted("normalized", texts, _everywhere(texts, lambda text: text.str.normalize("NFC")), counts)
    texts = _everywhere(texts, lambda text: text.str.strip_chars())
    if not source.calculator_marks:
        without = pl.col("truth").str.replace_all(_CALCULATOR, "")
        texts = _counted("calculator", texts, texts.with_columns(without), counts)
    for kind, name, nothing in (
        ("no_input", "input", pl.col("input").str.contains(_NO_INPUT) | pl.col("input").str.contains(_NOTHING)),
        ("no_output", "truth", pl.col("truth").str.contains(_NO_OUTPUT)),
    ):
        without = pl.when(nothing).then(pl.lit("")).otherwise(pl.col(name)).alias(name)
        texts = _counted(kind, texts, texts.with_columns(without), counts)
    texts = texts.with_columns(pl.when(pl.col("system") != "").then("system"))

    reason: Any = pl.when(usable.not_()).then(pl.col("reason"))
    for name, found in (
        ("empty_instruction", pl.col("instruction") == ""),
        ("merged", pl.any_horizontal(pl.col(TEXTS).str.contains(_MERGED))),
        ("attachment", pl.col("input").str.contains(_ATTACHMENT)),
        ("url_only", pl.col("input").str.contains(_URL)),
    ):
        reason = reason.when(found).then(pl.lit(name))
    frame = frame.with_columns(excerpt=pl.coalesce("excerpt", pl.col("instruction").str.slice(0, 200)))
    frame = frame.with_columns(texts.get_columns())
    return frame.with_columns(reason=reason.otherwise(None)), counts


def _without_reasoning(frame: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    """Cut the traces off the usable rows' answers and their conversations' turns; counts the rows."""
    marked = pl.col("truth").str.contains(MARKS)
    if frame["history"].null_count() < len(frame):
        marked |= pl.col("history").list.eval(pl.element().struct.field("content").str.contains(MARKS)).list.any()
    rows = frame.select((pl.col("reason").is_null() & marked.fill_null(False)).arg_true()).to_series()
    if rows.is_empty():
        return frame
    truths, histories, found = frame["truth"].to_list(), frame["history"].to_list(), Counter[str]()
    for row in rows:
        kinds = set[str]()
        truths[row] = _answer(truths[row], kinds)
        for turn in histories[row] or []:
            if turn["role"] == "assistant" and turn["content"]:
                turn["content"] = _answer(turn["content"], kinds)
        found.update(kinds)
    counts.update(found)
    history = pl.Series("history", histories, frame.schema["history"])
    return frame.with_columns(pl.Series("truth", truths, pl.String), history)


def _answer(text: str, kinds: set[str]) -> str:
    """The answer in a text; adds under what a cut is counted to `kinds`."""
    answer, _, ended = cut_reasoning(text)
    if ended and answer == text.strip():
        return text
    kinds.add("reasoning" if ended else "reasoning_unfinished")
    return answer


def _contains(texts: pl.DataFrame, pattern: str) -> bool:
    """Whether a text may contain the pattern; histories are not looked at."""
    found = texts.select(pl.any_horizontal(pl.col(*TEXTS, "system").str.contains(pattern).any())).item()
    return bool(found) or texts["history"].null_count() < len(texts)


def _everywhere(texts: pl.DataFrame, mend: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    """Mend every text, those of the history as well."""
    mended = [mend(pl.col(*TEXTS, "system"))]
    if texts["history"].null_count() < len(texts):
        content = mend(pl.field("content")).alias("content")
        mended.append(pl.col("history").list.eval(pl.element().struct.with_fields(content)))
    return texts.with_columns(mended)


def _counted(kind: str, before: pl.DataFrame, after: pl.DataFrame, counts: dict[str, int]) -> pl.DataFrame:
    """Count the rows in which a text differs under `kind`; returns `after`."""
    differs = pl.lit(False)
    for name in (*TEXTS, *TURNS):
        if before[name].null_count() < len(before):
            differs = differs | before[name].ne_missing(after[name])
    if changed := int(before.select(differs.sum()).item()):
        counts[kind] = changed
    return after
