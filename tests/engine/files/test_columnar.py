"""Parquet and Arrow from outside: the values as JSON has them; what is corrupt is never read."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import ROWS
from polydistill.engine.files.columnar import arrow_rows, parquet_rows
from polydistill.engine.files.source import File

CELLS = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
        "number": st.none() | st.integers(-(2**60), 2**60),
        "turns": st.none()
        | st.lists(st.fixed_dictionaries({"role": st.text("ab", max_size=2), "n": st.integers(0, 9)})),
    }
)
TURNS = pa.list_(pa.struct([("role", pa.string()), ("n", pa.int64())]))
SCHEMA = pa.schema([("text", pa.string()), ("number", pa.int64()), ("turns", TURNS)])


def save(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    return path


def values(path: Path) -> list[Any]:
    read = parquet_rows if path.suffix == ".parquet" else arrow_rows
    return [value for rows in read(File.of(path)) for value in rows.values]


@settings(max_examples=12)
@given(st.lists(CELLS, max_size=5), st.sampled_from(["a.parquet", "a.arrow"]))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict], name: str) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    assert values(save(table, tmp_path_factory.mktemp("x") / name)) == rows


def test_values_that_json_lacks_become_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "day": [datetime.date(2024, 2, 29), None],
            "raw": pa.array([b"\xc3\xa4", b"\xff"], pa.large_binary()),
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "view": pa.array(["long enough to be no prefix", "ü"], pa.string_view()),
            "word": pa.array(["u", "u"]).dictionary_encode(),
        }
    )
    assert values(save(table, tmp_path / "a.arrow")) == [
        {"day": "2024-02-29", "raw": "ä", "map": [["k", 1]], "view": "long enough to be no prefix", "word": "u"},
        {"day": None, "raw": "\udcff", "map": None, "view": "ü", "word": "u"},
    ]


def test_rows_are_numbered_through_over_batches(tmp_path: Path) -> None:
    table = pa.table({"n": range(ROWS + 3)})
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table.slice(0, 2))
        writer.write_table(table.slice(2))
    batches = list(arrow_rows(File.of(tmp_path / "a.arrow")))
    assert [len(batch.values) for batch in batches] == [2, ROWS, 1]
    for batch in batches:
        assert batch.numbers == [value["n"] + 1 for value in batch.values]


@pytest.mark.parametrize("wrap", [lambda a: a, lambda a: pa.ListArray.from_arrays([0, 1, 2], a)])
def test_bad_utf8_costs_its_own_text_at_any_depth(wrap: Any, tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a\xff", b"b"]).buffers())
    found = [str(value["x"]) for value in values(save(pa.table({"x": wrap(bad)}), tmp_path / "a.arrow"))]
    assert "udcff" in ascii(found[0]) and "b" in found[1]


def test_offsets_that_lead_out_of_memory_are_refused(tmp_path: Path) -> None:
    """Arrow's reader believes them, and reading the value would end the process."""
    offsets = pa.array([0, 2**30, 3], pa.int32()).buffers()[1]
    corrupt = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abc")])
    with pytest.raises(UserError, match=r"a\.arrow: cannot be read as arrow"):
        values(save(pa.table({"x": corrupt}), tmp_path / "a.arrow"))


def test_dictionary_indices_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    corrupt = pa.DictionaryArray.from_arrays(pa.array([0, 7], pa.int32()), pa.array(["a"]), safe=False)
    with pytest.raises(UserError, match=r"a\.arrow: cannot be read as arrow"):
        values(save(pa.table({"x": corrupt}), tmp_path / "a.arrow"))


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_file_that_was_cut_is_said(name: str, tmp_path: Path) -> None:
    path = save(pa.table({"x": ["some text"] * 50}), tmp_path / name)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=rf"{name}: cannot be read as {path.suffix[1:]}"):
        values(path)
