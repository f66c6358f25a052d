"""JSON from outside: each shape of file gives its rows, and a mistake has its line."""

import json
from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.files import decode
from polydistill.engine.files.batch import ROWS, Broken
from polydistill.engine.files.json_text import json_rows, parse_json, read_json
from polydistill.engine.files.source import File


def values(path: Path) -> list:
    return [value for rows in json_rows(File.of(path)) for value in rows.values]


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("a.json", '[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("a.json", "  \n[]", []),
        ("a.json", "[1, [2], null]", [1, [2], None]),  # no objects: the reader of fields counts them as such
        ("a.json", '{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("a.jsonl", '[{"a": 1},\n {"a": 2}]', [{"a": 1}, {"a": 2}]),  # an array whatever the name
        ("a.jsonl", '{"a": 1}', [{"a": 1}]),
        ("a.jsonl", "[1, 2]\n[3]", [[1, 2], [3]]),
        ("a.json", '{"n": 3, "rows": [{"a": 1}], "tags": ["x"]}', [{"a": 1}]),
        ("a.json", '{"a": [1, 2], "b": [3, 4]}', [{"a": 1, "b": 3}, {"a": 2, "b": 4}]),
        ("a.json", '{\n "rows": [\n {"a": 1}\n]}', [{"a": 1}]),
    ],
)
def test_shapes_of_files(name: str, text: str, rows: list, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert values(tmp_path / name) == rows


@pytest.mark.parametrize("shape", ["array", "document", "lines"])
def test_many_rows_come_in_batches_numbered_through(shape: str, tmp_path: Path) -> None:
    rows = [{"i": i} for i in range(ROWS + 2)]
    lines = "\n".join(json.dumps(row) for row in rows)
    text = {"array": json.dumps(rows), "document": json.dumps({"rows": rows}), "lines": lines}[shape]
    (tmp_path / "a.json").write_text(text)
    batches = list(json_rows(File.of(tmp_path / "a.json")))
    assert [value["i"] + 1 for batch in batches for value in batch.values] == list(range(1, ROWS + 3))
    assert [number for batch in batches for number in batch.numbers] == list(range(1, ROWS + 3))
    assert shape == "lines" or [len(batch.values) for batch in batches] == [ROWS, 2]


def test_rows_before_a_mistake_in_an_array_are_not_lost_silently(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1},\n {"a": 2},\n {"a": }]')
    with pytest.raises(UserError, match=r"a\.json: broken JSON at line 3, column 8"):
        values(tmp_path / "a.json")


def test_a_broken_line_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\n{"a"\n{"a": 2}')
    (rows,) = json_rows(File.of(tmp_path / "a.jsonl"))
    assert rows.values == [{"a": 1}, Broken("bad_json", '{"a"'), {"a": 2}] and rows.numbers == [1, 3, 4]


def test_an_element_without_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "LINE", 1000)
    monkeypatch.setattr(decode, "BLOCK", 100)
    (tmp_path / "a.json").write_text('[{"a": 1}, "' + "x" * 5000)
    with pytest.raises(UserError, match=r"an element of more than 1,000 characters|a line of more than"):
        values(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', r"^here: broken JSON at line 1, column \d+: "),
        ('{\n"a" 1}', "^here: broken JSON at line 2, column 5"),
        ("[" * 100_000, "^here: JSON is nested too deeply"),
        ("9" * 5000, "^here: broken JSON"),
        ("", "^here: broken JSON at line 1, column 1"),
    ],
)
def test_a_text_that_is_no_json_is_said(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        parse_json(text, "here")
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=message.replace("here", r".*a\.json")):
        read_json(File.of(tmp_path / "a.json"))
