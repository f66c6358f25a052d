"""Bilingual word lists: MUSE, GATITOS and plain TSV.

MUSE's files separate by space or by TAB, differ in it from file to file, and are full of pairs whose two sides
are equal (48% for German, 91% for Vietnamese): a word "translated" into itself is not code-switching, so these
pairs are dropped and counted.
"""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from polydistill.engine.config import Dictionaries
from polydistill.engine.errors import UserError
from polydistill.engine.files.decode import read_lines
from polydistill.engine.files.source import File
from polydistill.engine.languages import get_language
from polydistill.engine.pairs.find import PairFile, expected, find_one

_PUNCTUATION = ' ,;:!?¿¡"“”„«»‹›、，。；：？！…'
"""What word lists leave at the ends of entries: "But,". A "." may belong to an abbreviation and stays."""


@dataclass(frozen=True)
class Dictionary:
    """Translations of words and short phrases, in the file's order (MUSE's is by frequency)."""

    source: str
    target: str
    entries: pl.DataFrame  # word: word or phrase; translation: list of its translations, best first
    path: str
    pairs: int  # lines read
    dropped: dict[
        str, int
    ]  # reason -> lines: malformed (no pair), identical (equal sides), script (of another language)


def load_dictionary(
    config: Dictionaries, source: str, target: str, most_frequent: int | None = None
) -> Dictionary | None:
    """Read the dictionary from `source` to `target` words; a file of the other direction is turned round.

    Entries are normalized (NFC) and lose punctuation at their ends. Entries without any letter of their language's
    script are dropped: some lists mix scripts.

    Args:
        most_frequent: keep the entries of the file's first N distinct words (before turning round); None: all.

    Returns:
        None where there is no file and the configuration says to skip such pairs.

    Raises:
        UserError: no file for this pair, or no usable line in it.
    """
    file = find_one(config.path, source, target)
    if file is None:
        if config.missing == "skip":
            return None
        raise UserError(
            f"no dictionary for {source} -> {target} in {config.path} "
            f"(looked for {expected(source, target)}, "
            "and the other way round). Add one, leave the language out, or set dictionaries.missing=skip to leave its "
            "questions unswitched"
        )
    frame = _read(file.path)
    lines = len(frame)
    frame = frame.drop_nulls()
    dropped = {"malformed": lines - len(frame)}
    same = pl.col("word").str.to_lowercase() == pl.col("translation").str.to_lowercase()
    frame, dropped["identical"] = _kept(frame, ~same)
    frame, dropped["script"] = _kept(frame, _in_script(file, source, target))
    if most_frequent is not None:
        frequent = frame["word"].unique(maintain_order=True).head(most_frequent)
        frame = frame.filter(pl.col("word").is_in(frequent.implode()))
    if file.inverted:
        frame = frame.rename({"word": "translation", "translation": "word"})
    if not len(frame):
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count)
        raise UserError(
            f"{file.path}: no usable line ({reasons or 'it is empty'}). Expected `word TAB translation` or `word "
            "translation`."
        )
    grouped = frame.group_by("word", maintain_order=True).agg(pl.col("translation").unique(maintain_order=True))
    return Dictionary(source, target, grouped, str(file.path), lines, dropped)


def _kept(frame: pl.DataFrame, condition: pl.Expr) -> tuple[pl.DataFrame, int]:
    """The rows that fulfill a condition, and how many do not."""
    kept = frame.filter(condition)
    return kept, len(frame) - len(kept)


def _in_script(file: PairFile, source: str, target: str) -> pl.Expr:
    """Both sides have a letter of their language's script, or no letter at all ("24/7")."""
    first, second = (target, source) if file.inverted else (source, target)
    good = pl.lit(True)
    for column, flores in (("word", first), ("translation", second)):
        script = "".join(rf"\p{{{name}}}" for name in get_language(flores).writing.unicode)
        good &= pl.col(column).str.contains(f"[{script}]") | ~pl.col(column).str.contains(r"\p{L}")
    return good


def _read(path: Path) -> pl.DataFrame:
    """Columns word and translation, null where a line is no pair."""
    lines = pl.DataFrame({"line": list(read_lines(File.of(path)))}, schema={"line": pl.String})
    line = pl.col("line").str.strip_chars("\r ")
    tabbed = line.str.splitn("\t", 2)
    # Without a TAB the words of a side cannot be told apart from the sides: only single words are a pair.
    spaced = line.str.extract_groups(r"^(\S+)\s+(\S+)$")
    has_tab = line.str.contains("\t", literal=True)
    clean = [
        pl.when(has_tab)
        .then(tabbed.struct[i])
        .otherwise(spaced.struct[i])
        .str.strip_chars()
        .str.normalize("NFC")
        .str.strip_chars(_PUNCTUATION)
        .alias(name)
        for i, name in enumerate(("word", "translation"))
    ]
    return lines.select(clean).with_columns(pl.when(pl.all() != "").then(pl.all()))
