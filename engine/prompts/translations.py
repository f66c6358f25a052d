"""Translations that a source comes with: in its own rows, or in files whose rows correspond to the source's."""

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import polars as pl

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import Rows
from polydistill.engine.prompts.cleaning import TEXTS, clean
from polydistill.engine.prompts.fields import Fields

_OF_THE_SOURCE = ("empty_instruction", "merged", "attachment", "url_only")


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

    def finish(self) -> None:
        """Say what is left over when the source has been read to its end."""


class InRows:
    """Translations that stand in the source's own rows."""

    def __init__(self, fields: Fields, key: str | None, source: PromptSource, lost: Counter[str]) -> None:
        self._fields, self._key, self._source, self._lost = fields, key, source, lost

    def of(self, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Translations`."""
        own = rows.under(self._key) if self._key else rows
        return texts_of(self._fields.frame(own), self._source, self._lost, frame["reason"].is_null())

    def finish(self) -> None:
        """Nothing is left over: each row holds its own."""


class ByPosition:
    """Translations in files whose row i translates the source's row i."""

    def __init__(self, frames: Iterator[pl.DataFrame], name: str, source: PromptSource, lost: Counter[str]) -> None:
        self._frames, self._name, self._source, self._lost = frames, name, source, lost
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
                raise self._other(self._read + sum(part.height for part in parts), "fewer")
            parts.append(more)
        found = pl.concat([part for part in parts if part.height] or [frame.head(0)])
        self._rest, self._read = found.slice(wanted), self._read + wanted
        return texts_of(found.head(wanted), self._source, self._lost, frame["reason"].is_null())

    def finish(self) -> None:
        """Compare the number of rows.

        Raises:
            UserError: the file has more rows than the source, so that some of them translate other rows.
        """
        more = self._rest.height + sum(frame.height for frame in self._frames)
        if more:
            raise self._other(self._read + more, "more")

    def _other(self, rows: int, relation: str) -> UserError:
        return UserError(
            f"{self._name}: has {rows:,} rows, {relation} than its source. Translations without ids correspond to the "
            "source's rows by position, so there must be one for each. Give both files an id column"
        )


class ById:
    """Translations in files whose rows name the ids of the source's rows. They are held in memory."""

    def __init__(self, frames: Iterator[pl.DataFrame], name: str, source: PromptSource, lost: Counter[str]) -> None:
        """Read all translations.

        Raises:
            UserError: an id is there twice.
        """
        read = [
            pl.concat(
                [frame.select("key"), texts_of(frame, source, lost, frame["key"].is_not_null())], how="horizontal"
            )
            for frame in frames
        ]
        every = pl.concat(read)
        known = every.filter(pl.col("key").is_not_null())
        twice = known.filter(pl.col("key").is_duplicated())
        if twice.height:
            raise UserError(f"{name}: the id {twice['key'][0]!r} is there twice")
        self._known, self._used, self._lost = known.with_row_index("place"), np.zeros(known.height, bool), lost
        lost.update({"no_id": every.height - known.height} if every.height > known.height else {})

    def of(self, rows: Rows, frame: pl.DataFrame) -> pl.DataFrame:
        """See `Translations`."""
        found = frame.select("key").join(self._known, on="key", how="left", maintain_order="left")
        self._used[found["place"].drop_nulls().to_numpy()] = True
        return found.select(TEXTS)

    def finish(self) -> None:
        """Count the translations whose id no row has."""
        if unused := int((~self._used).sum()):
            self._lost["no_row_with_this_id"] += unused


def texts_of(frame: pl.DataFrame, source: PromptSource, lost: Counter[str], wanted: pl.Series) -> pl.DataFrame:
    """The cleaned texts of translated rows; null for those that are empty or cannot be read.

    Whether a row makes sense is asked of its source alone, so reasons like "merged" do not count here.

    Args:
        frame: translated rows as `fields.FRAME`.
        source: that they translate, as configured; says how to clean.
        lost: reasons why a row's texts cannot be used are counted here.
        wanted: for which rows to count them: bool of shape (rows,).
    """
    # A row may be translated in part: a translated answer is of use without its question.
    readable = pl.when(pl.col("reason") != "missing_field").then("reason").alias("reason")
    cleaned, _ = clean(frame.with_columns(readable), source)
    texts = cleaned.select(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in TEXTS)
    reasons = cleaned.select(
        pl.when(~pl.col("reason").is_in(_OF_THE_SOURCE))
        .then("reason")
        .when(texts.select(pl.all_horizontal(pl.all().is_null())).to_series())
        .then(pl.lit("missing"))
    ).to_series()
    lost.update(reasons.filter(wanted).drop_nulls().to_list())
    return texts


def in_files(frames: Iterator[pl.DataFrame], name: str, source: PromptSource, lost: Counter[str]) -> Translations:
    """Translations in files: by id where their rows have ids, else by position."""
    first = next(frames, None)
    if first is None:
        raise UserError(f"{name}: no rows")

    def all_frames() -> Iterator[pl.DataFrame]:
        yield first
        yield from frames

    if first["key"].null_count() < first.height:
        return ById(all_frames(), name, source, lost)
    return ByPosition(all_frames(), name, source, lost)
