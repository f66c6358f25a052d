"""Rows become a file that is whole or not there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.export.write import ENDINGS, whole, write_rows

TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
ROWS = st.lists(st.fixed_dictionaries({"a": TEXT}, optional={"b": TEXT}), max_size=6)


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n")[:-1]]


@settings(max_examples=30)
@given(ROWS, st.sampled_from(ENDINGS))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], ending: str) -> None:
    path = tmp_path_factory.mktemp("x") / f"new/x{ending}"
    assert write_rows(path, iter(rows)) == len(rows)
    keys = {key for row in rows for key in row}
    wanted = [{key: row.get(key) for key in keys} for row in rows] if ending == ".parquet" else rows
    assert read(path) == wanted and [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_column_may_begin_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet has one schema, although rows are written some at a time."""
    monkeypatch.setattr("polydistill.engine.export.write._CHUNK", 2)
    rows: list[dict[str, Any]] = [{"a": "x"}] * 3 + [{"a": "y", "weight": 2.0, "turns": [{"role": "user"}]}]
    write_rows(tmp_path / "a.parquet", rows)
    assert read(tmp_path / "a.parquet") == [{"a": "x", "weight": None, "turns": None}] * 3 + rows[3:]


def test_values_that_no_parquet_column_holds_are_said(tmp_path: Path) -> None:
    calls = [{"arguments": "{}"}, {"arguments": {"a": 1}}]
    with pytest.raises(UserError, match=r"a\.parquet: Parquet cannot hold these rows .* Write \.jsonl"):
        write_rows(tmp_path / "a.parquet", [{"calls": [call]} for call in calls])
    assert not list(tmp_path.iterdir()) and write_rows(tmp_path / "a.jsonl", [{"calls": [call]} for call in calls]) == 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failure_leaves_nothing_behind(ending: str, tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield {"a": 1}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_rows(tmp_path / f"x{ending}", broken())
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("before")
    with pytest.raises(UnicodeEncodeError), whole(path) as partial:
        partial.write_text("half \ud800", encoding="utf-8")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["x", "x.txt", "x.json.gz", "x.JSON"])
def test_an_ending_that_says_no_format_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must end in \.json, \.jsonl, \.parquet"):
        write_rows(tmp_path / name, [])
    assert list(tmp_path.iterdir()) == []
