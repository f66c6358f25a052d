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
from polydistill.engine.pairs import find


@dataclass(frozen=True)
class Dictionary:
    """Translations of words and short phrases, in the file's order (MUSE's is by frequency)."""

    source: str
    target: str
    entries: pl.DataFrame  # word: word or phrase; translation: list of its translations, best first
    path: str
    pairs: int  # lines read
    identical: int  # of them dropped because both sides are equal
    malformed: int  # of them dropped because they are no pair


def load_dictionary(
    config: Dictionaries, source: str, target: str, most_frequent: int | None = None
) -> Dictionary | None:
    """The dictionary from `source` to `target` words; a file of the other direction is turned round.

    `most_frequent` keeps the entries of the file's first so many distinct words (before turning round). None where
    there is no file and the configuration says to skip such pairs.

    Raises:
        UserError: no file for this pair, or no usable line in it.
    """
    file = find.find(config.path, source, target)
    if file is None:
        if config.missing == "skip":
            return None
        raise UserError(
            f"no dictionary for {source} -> {target} in {config.path} "
            f"(looked for {find.expected(source, target)}, "
            "and the other way round). Add one, leave the language out, or set dictionaries.missing=skip to leave its "
            "questions unswitched"
        )
    frame, lines = _read(file.path)
    good = frame.filter(pl.col("word").is_not_null() & pl.col("translation").is_not_null())
    same = pl.col("word").str.to_lowercase() == pl.col("translation").str.to_lowercase()
    kept = good.filter(~same)
    identical = len(good) - len(kept)
    if most_frequent is not None:
        kept = kept.filter(pl.col("word").is_in(kept["word"].unique(maintain_order=True).head(most_frequent).implode()))
    if file.inverted:
        kept = kept.rename({"word": "translation", "translation": "word"})
    if not len(kept):
        raise UserError(f"{file.path}: no usable line (expected `word TAB translation` or `word translation`)")
    grouped = kept.group_by("word", maintain_order=True).agg(pl.col("translation").unique(maintain_order=True))
    return Dictionary(source, target, grouped, str(file.path), lines, identical, lines - len(good))


def _read(path: Path) -> tuple[pl.DataFrame, int]:
    """Columns word and translation (null where a line is no pair), and the number of lines."""
    try:
        lines = pl.read_csv(
            path, has_header=False, separator="\n", quote_char=None, new_columns=["line"], schema={"line": pl.String}
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    line = pl.col("line").str.strip_chars("\r ")
    tabbed = line.str.splitn("\t", 2)
    # Without a TAB the words of a side cannot be told apart from the sides: only single words are a pair.
    spaced = line.str.extract_groups(r"^(\S+)\s+(\S+)$")
    has_tab = line.str.contains("\t", literal=True)
    clean = [
        pl.when(has_tab).then(tabbed.struct[i]).otherwise(spaced.struct[i]).str.strip_chars().alias(name)
        for i, name in enumerate(("word", "translation"))
    ]
    frame = lines.select(clean).with_columns(pl.when(pl.all() != "").then(pl.all()))
    return frame, len(lines)
