"""Translations that a source comes with: in its own rows, or in files whose rows correspond to the source's."""

from collections.abc import Iterator
from typing import Protocol

import polars as pl

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import Rows
from polydistill.engine.prompts.cleaning import TEXTS, clean
from polydistill.engine.prompts.fields import Fields


class Translations(Protocol):
    """Finds the translations of rows."""

    def of(self, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
        """The translations of a batch of rows, row by row.

        Args:
            rows: the rows as they were read.
            frame: the same rows as `fields.FRAME`.

        Returns:
            Columns instruction, input and truth; null where there is no translation.
        """


class InRows:
    """Translations that stand in the source's own rows."""

    def __init__(self, fields: Fields, key: str | None, max_chars: int) -> None:
        self._fields, self._key, self._max_chars = fields, key, max_chars

    def of(self, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Translations`."""
        own = rows.under(self._key) if self._key else rows
        return texts_of(self._fields.frame(own), self._max_chars)


class ByPosition:
    """Translations in files whose row i translates the source's row i."""

    def __init__(self, frames: Iterator[pl.DataFrame], name: str, max_chars: int) -> None:
        self._frames, self._name, self._max_chars = frames, name, max_chars
        self._rest = pl.DataFrame()
        self._read = 0

    def of(self, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Translations`.

        Raises:
            UserError: the file has fewer rows than the source.
        """
        parts, wanted = [self._rest], frame.height
        while sum(part.height for part in parts) < wanted:
            more = next(self._frames, None)
            if more is None:
                have = self._read + sum(part.height for part in parts)
                raise UserError(
                    f"{self._name}: has {have:,} rows, fewer than its source. Translations without ids correspond to "
                    "the source's rows by position, so there must be one for each. Give both files an id column"
                )
            parts.append(more)
        found = pl.concat([part for part in parts if part.height] or [frame.head(0)])
        self._rest, self._read = found.slice(wanted), self._read + wanted
        return texts_of(found.head(wanted), self._max_chars)


class ById:
    """Translations in files whose rows name the ids of the source's rows. They are held in memory."""

    def __init__(self, frames: Iterator[pl.DataFrame], name: str, max_chars: int) -> None:
        """Read all translations.

        Raises:
            UserError: an id is there twice.
        """
        read = [pl.concat([frame.select("key"), texts_of(frame, max_chars)], how="horizontal") for frame in frames]
        self._known = pl.concat(read).filter(pl.col("key").is_not_null())
        twice = self._known.filter(pl.col("key").is_duplicated())
        if twice.height:
            raise UserError(f"{name}: the id {twice['key'][0]!r} is there twice")

    def of(self, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Translations`."""
        return frame.select("key").join(self._known, on="key", how="left", maintain_order="left").select(TEXTS)


def texts_of(frame: pl.DataFrame, max_chars: int) -> pl.DataFrame:
    """The cleaned texts of translated rows; null for those that are empty or cannot be read.

    Whether a row makes sense is asked of its source alone, so reasons like "merged" do not count here.
    """
    cleaned, _ = clean(frame, max_chars)
    return cleaned.select(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in TEXTS)


def in_files(frames: Iterator[pl.DataFrame], name: str, max_chars: int) -> Translations:
    """Translations in files: by id where their rows have ids, else by position."""
    first = next(frames, None)
    if first is None:
        raise UserError(f"{name}: no rows")

    def all_frames() -> Iterator[pl.DataFrame]:
        yield first
        yield from frames

    if first["key"].null_count() < first.height:
        return ById(all_frames(), name, max_chars)
    return ByPosition(all_frames(), name, max_chars)
