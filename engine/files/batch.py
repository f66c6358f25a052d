"""Rows on their way from a file."""

from dataclasses import dataclass
from typing import Any

ROWS = 16_384
"""Maximum number of rows read at once from an array or a table."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that cannot be read; its neighbors can."""

    reason: str  # "bad_json": no JSON; "wrong_cells": more or fewer cells than the header
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of a file."""

    numbers: list[int]  # 1-based: of the line in JSON lines, CSV, TSV and text, of the row elsewhere
    values: list[Any]  # a row each: a dict of JSON values, `Broken`, or, in JSON, a value that is no object

    def under(self, key: str) -> "Rows":
        """The objects under a key of each row; {} where a row has none there."""
        inner = [value.get(key) if isinstance(value, dict) else None for value in self.values]
        return Rows(self.numbers, [value if isinstance(value, dict) else {} for value in inner])

    def head(self, count: int) -> "Rows":
        """The first `count` rows."""
        return self if count >= len(self.values) else Rows(self.numbers[:count], self.values[:count])
