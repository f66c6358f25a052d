"""Rows drawn at random: uniform over all shards, the same for a seed, one shard in memory at a time."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.storage.sampling import Part, draw


def parts(*sizes: int) -> list[Part]:
    """Parts whose rows are numbered through; a row is even or odd."""
    starts = np.cumsum([0, *sizes])
    tables = [pa.table({"number": range(start, start + size)}) for start, size in zip(starts, sizes)]
    return [
        Part(f"{index}", size, lambda columns, table=table: table.select(columns) if columns else table)
        for index, (size, table) in enumerate(zip(sizes, tables))
    ]


def parity(table: pa.Table) -> pa.Array:
    """Groups by what a row's number leaves when divided by 3; the rows that leave 2 are in none."""
    return pa.array([{0: "none", 1: "one", 2: None}[number % 3] for number in table["number"].to_pylist()], pa.string())


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 12), st.integers(0, 5))
def test_groups_are_whole_or_full_and_hold_their_own_rows(sizes: list[int], count: int, seed: int) -> None:
    found = draw(parts(*sizes), count, seed, ["number"], parity)
    everything = range(sum(sizes))
    for name, rest in (("none", 0), ("one", 1)):
        there = {number for number in everything if number % 3 == rest}
        drawn = [one.row["number"] for one in found[name].rows] if there else []
        assert len(drawn) == len(set(drawn)) == min(count, len(there)) and set(drawn) <= there
        assert not there or found[name].total == len(there)
    assert found.keys() <= {"none", "one"}


def test_every_row_of_every_shard_is_as_likely() -> None:
    """1,000 draws of 3 rows from shards of 1, 5 and 24 rows: 100 times each, within four standard deviations."""
    some = parts(1, 5, 24)
    counts = Counter(one.row["number"] for seed in range(1000) for one in draw(some, 3, seed)[""].rows)
    deviation = (1000 * 0.1 * 0.9) ** 0.5
    assert len(counts) == 30
    assert max(abs(count - 100) for count in counts.values()) < 4 * deviation


def test_fewer_rows_are_the_beginning_of_more() -> None:
    some = parts(7, 8)
    assert draw(some, 3, 5)[""].rows == draw(some, 9, 5)[""].rows[:3]
    assert draw(some, 3, 5)[""].rows != draw(some, 3, 6)[""].rows


def test_places_are_those_of_the_rows() -> None:
    for one in draw(parts(7, 8), 15, 0)[""].rows:
        assert one.row["number"] == one.position + (7 if one.part.name == "1" else 0)


def test_only_parts_with_drawn_rows_are_read_whole() -> None:
    reads: list[str] = []

    def part(name: int) -> Part:
        def read(columns: list[str] | None) -> pa.Table:
            reads.append(f"{name}")
            return pa.table({"number": range(4)})

        return Part(f"{name}", 4, read)

    drawn = draw([part(name) for name in range(50)], 3, 0)[""].rows
    assert sorted(reads) == sorted({one.part.name for one in drawn})


@pytest.mark.parametrize("sizes", [(), (0, 0)])
def test_nothing_there(sizes: tuple[int, ...]) -> None:
    assert draw(parts(*sizes), 3, 0) == {}
