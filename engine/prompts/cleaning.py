"""Cleaning of instruction rows: what is mended, and what makes a row unusable.

Mended, and counted under these names:
    line_ends     CR LF, CR, vertical tab, form feed, NEL and the Unicode line and paragraph separators become LF
    control       other control characters, byte order marks and noncharacters are removed
    normalized    Unicode form NFC
    no_input      an input that only says that there is none ("<noinput>", "No input required.", "N/A") becomes ""
    no_output     an answer that only says that there is none ("<nooutput>") becomes "": the row has no truth
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

from typing import Any

import polars as pl

TEXTS = ("instruction", "input", "truth")

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
_URL = r"^\W?(https?://|www\.)\S+$"


def clean(frame: pl.DataFrame, max_chars: int) -> tuple[pl.DataFrame, dict[str, int]]:
    """Mend the texts and give unusable rows a reason; rows that have one already keep it.

    Args:
        frame: as `engine.prompts.readers.read` yields.
        max_chars: longest text, characters.

    Returns:
        The frame with the same rows, `input` and `truth` never null; rows mended by kind of mending.
    """
    usable = pl.col("reason").is_null()
    frame = frame.with_columns(pl.col("input", "truth").fill_null(""))
    too_long = pl.any_horizontal(pl.col(TEXTS).str.len_chars() > max_chars)
    frame = frame.with_columns(reason=pl.when(usable & too_long).then(pl.lit("too_long")).otherwise("reason"))
    # Rows that are dropped are not worth the work, and a text may be very long.
    texts = frame.select(pl.when(usable).then(pl.col(name)).otherwise(pl.lit("")).alias(name) for name in TEXTS)

    counts: dict[str, int] = {}
    for kind, mended in (
        ("line_ends", pl.col(TEXTS).str.replace_all(_LINE_ENDS, "\n")),
        ("control", pl.col(TEXTS).str.replace_all(_CONTROL, "")),
        ("normalized", pl.col(TEXTS).str.normalize("NFC")),
        (None, pl.col(TEXTS).str.strip_chars()),
        (
            "no_input",
            _without("input", pl.col("input").str.contains(_NO_INPUT) | pl.col("input").str.contains(_NOTHING)),
        ),
        ("no_output", _without("truth", pl.col("truth").str.contains(_NO_OUTPUT))),
    ):
        after = texts.with_columns(mended)
        if kind and (changed := _changed(texts, after)):
            counts[kind] = changed
        texts = after

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


def _without(column: str, where: pl.Expr) -> pl.Expr:
    return pl.when(where).then(pl.lit("")).otherwise(pl.col(column)).alias(column)


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> int:
    """Rows in which a text differs."""
    differs = pl.lit(False)
    for name in TEXTS:
        differs = differs | (before[name] != after[name])
    return int(before.select(differs.sum()).item())
