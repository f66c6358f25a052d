import bz2
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.files import decode
from polydistill.engine.files.batch import Broken
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import FORMATS, File

ROWS = [
    {"instruction": "Name a fruit.", "input": "a\nb", "output": "Apple."},
    {"instruction": 'Häuser, "zählen"', "input": "", "output": "日本\u2028x"},
]


def values(path: Path | str) -> list:
    return [value for rows in read_rows(File.of(path)) for value in rows.values]


def numbers(path: Path) -> list[int]:
    return [number for rows in read_rows(File.of(path)) for number in rows.numbers]


def cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


CSV = "\n".join(",".join(map(cell, row)) for row in [list(ROWS[0]), *(list(row.values()) for row in ROWS)])
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
TEXTS = {
    "a.jsonl": LINES,
    "no_end.ndjson": LINES.rstrip("\n"),
    "lines.json": LINES,
    "array.json": json.dumps(ROWS),
    "pretty.json": json.dumps(ROWS, indent=2),
    "array.jsonl": json.dumps(ROWS),
    "wrapped.json": json.dumps({"version": 1, "rows": ROWS}),
    "columns.json": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}),
    "pandas_rows.json": json.dumps({str(i): row for i, row in enumerate(ROWS)}),
    "pandas_columns.json": json.dumps({key: {str(i): row[key] for i, row in enumerate(ROWS)} for key in ROWS[0]}),
    "a.csv": CSV,
    "a.CSV": CSV.replace('","', '";"'),
}


def table() -> pa.Table:
    return pa.Table.from_pylist(ROWS)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_formats_give_the_same_rows_in_every_encoding(name, ends, encoding, tmp_path):
    text = TEXTS[name] if ends == "\n" or "csv" in name.lower() else TEXTS[name].replace("\n", ends)
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert values(tmp_path / name) == ROWS


@pytest.mark.parametrize("name", ["a.jsonl", "array.json", "a.csv"])
@pytest.mark.parametrize("pack", ["gz", "two.gz", "zst", "bz2", "xz", "lz4"])
def test_compression_is_seen_from_the_bytes(name, pack, tmp_path):
    raw = TEXTS[name].encode()
    if pack in ("zst", "lz4"):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, {"zst": "zstd", "lz4": "lz4"}[pack]) as stream:
            stream.write(raw)
        packed = sink.getvalue().to_pybytes()
    else:
        half = len(raw) // 2
        packed = {
            "gz": gzip.compress(raw),
            "two.gz": gzip.compress(raw[:half]) + gzip.compress(raw[half:]),
            "bz2": bz2.compress(raw),
            "xz": lzma.compress(raw),
        }[pack]
    named, bare = tmp_path / f"{name}.{pack.split('.')[-1]}", tmp_path / name
    for path in (named, bare):
        path.write_bytes(packed)
        assert values(path) == ROWS
    if pack != "lz4":  # a cut file never passes for a short one
        named.write_bytes(packed[:-6])
        with pytest.raises(UserError, match=named.name.replace(".", r"\.")):
            values(named)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "stream.arrow", "a.feather", "a.parquet.gz"])
def test_tables_give_the_same_rows(name, tmp_path):
    path = tmp_path / name
    if "parquet" in name:
        pq.write_table(table(), path)
    elif "stream" in name:
        with pa.ipc.new_stream(str(path), table().schema) as writer:
            writer.write_table(table())
    else:
        with pa.ipc.new_file(str(path), table().schema) as writer:
            writer.write_table(table())
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert values(path) == ROWS and numbers(path) == [1, 2]


def test_nested_dictionary_and_binary_columns_are_json_values(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": "ä"}], "n": 4, "x": 0.5, "b": True, "raw": b"\xc3\xa4", "k": "u"},
        {"messages": None, "n": None, "x": None, "b": None, "raw": b"\xff", "k": "u"},
    ]
    wild = pa.Table.from_pylist(rows)
    wild = wild.set_column(5, "k", wild["k"].combine_chunks().dictionary_encode())
    pq.write_table(wild, tmp_path / "a.parquet")
    found = values(tmp_path / "a.parquet")
    assert found == [rows[0] | {"raw": "ä"}, rows[1] | {"raw": "\udcff"}]


def test_text_that_is_no_utf8_costs_its_own_row(tmp_path):
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a\xff", b"b"]).buffers())
    pq.write_table(pa.table({"instruction": bad}), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_bytes(b'{"instruction": "a\xff"}\n{"instruction": "b"}')
    (tmp_path / "a.tsv").write_bytes(b"instruction\tx\na\xff\t\nb\t")
    for name in ("a.parquet", "a.jsonl", "a.tsv"):
        first, second = (value["instruction"] for value in values(tmp_path / name))
        assert not decode.encodable(first) and second == "b", name


def test_tsv_and_text(tmp_path):
    (tmp_path / "a.tsv").write_text('q\ta\r\n"Carpe diem\tSeize it\r\n\r\nfew\r\nx\ty\r\n', newline="")
    assert values(tmp_path / "a.tsv") == [
        {"q": '"Carpe diem', "a": "Seize it"},
        Broken("wrong_cells", "few"),
        {"q": "x", "a": "y"},
    ]
    assert numbers(tmp_path / "a.tsv") == [2, 4, 5]
    (tmp_path / "a.txt").write_text("one\n\n two\u2028three\n")
    assert values(tmp_path / "a.txt") == [{"text": "one"}, {"text": " two\u2028three"}]


def test_broken_lines_cost_their_own_row(tmp_path):
    (tmp_path / "a.jsonl").write_text(f'{{"a": 1}}\nnope\n[1]\n\n{"[" * 100_000}\n{{"a": {"9" * 5000}}}\n{{"a": 2}}')
    found = values(tmp_path / "a.jsonl")
    assert [value.reason if isinstance(value, Broken) else value for value in found] == [
        {"a": 1},
        "bad_json",
        [1],
        "bad_json",
        "bad_json",
        {"a": 2},
    ]
    assert numbers(tmp_path / "a.jsonl") == [1, 2, 3, 5, 6, 7]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'[{"instruction": "a",\n "output" "b"}]', r"a.json: broken JSON at line 2, column 11"),
        ("a.json", b'[{"a": 1},\n{"a": 2}', r"broken JSON at line 3, column 1: the array does not end"),
        ("a.json", b'[{"a": 1} {"a": 2}]', r"line 1, column 11: expected ',' or '\]'"),
        ("a.json", b'[{"a": 1}] x', r"line 1, column 12: text after the array"),
        ("a.json", b"[" * 100_000, r"line 1, column 2: nested too deeply"),
        ("a.json", b'[{"a": ' + b"9" * 5000 + b"}]", r"broken JSON at line 1"),
        ("a.json", b'{"version": 1}', r"expected a list of rows .*found keys version"),
        ("a.json", b'{"train": [{"a": 1}], "test": [{"a": 1}]}', r"several lists of rows \(train, test\)"),
        ("a.json", b"4", r"expected a list of rows, found int"),
        ("a.json", b"", r"broken JSON at line 1"),
        ("a.csv", b'a,b\n1,2\n"x,1\n2,3', r"a.csv:3: broken CSV in the row that begins here"),
        ("a.csv", b"a,a\n1,2", r"a.csv:1: the header names a column twice: a, a"),
        ("a.csv", b"a,\n1,2", r"a.csv:1: the header leaves a column without a name"),
        ("a.parquet", b"PAR1 nothing", r"a.parquet: cannot be read as parquet"),
        ("a.parquet", b"", r"a.parquet: cannot be read as parquet"),
        ("a.arrow", b"ARROW1 nothing", r"a.arrow: cannot be read as arrow"),
        ("a.xlsx", b"a,b", r"a.xlsx: unknown kind of file. Save the sheet as CSV. Expected .json"),
        ("a.zip", b"PK", r"a.zip: unknown kind of file. It is an archive: unpack it first. Expected"),
        ("a.tar.gz", b"", r"a.tar.gz: unknown kind of file. It is an archive"),
        ("a.pdf", b"", r"a.pdf: unknown kind of file. Expected"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        values(tmp_path / name)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.json: no such file"):
        values(tmp_path / "nowhere.json")


def test_a_column_that_is_there_twice_is_said(tmp_path):
    twice = pa.table([["a"], ["b"]], names=["x", "x"])
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), twice.schema) as writer:
        writer.write_table(twice)
    with pytest.raises(UserError, match="a column is there twice: x, x"):
        values(tmp_path / "a.arrow")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), json_values), max_size=6), size=st.integers(1, 40))
def test_an_array_is_parsed_the_same_in_blocks_of_any_size(rows, size, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "a.json"
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    path.write_text(text, newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "BLOCK", size)
        assert values(path) == rows
        if rows:
            path.write_text(text[: len(text) // 2], newline="")
            with pytest.raises(UserError, match=r"a\.json: broken JSON"):
                values(path)


@given(text=st.text(st.characters(codec="utf-8"), max_size=60), size=st.integers(1, 20))
def test_every_line_is_read_in_blocks_of_any_size(text, size, tmp_path_factory):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_text(text, newline="", encoding="utf-8-sig")
    expected = text.split("\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "BLOCK", size)
        found = list(decode.read_lines(File.of(path)))
    assert found == [line.removesuffix("\r") for line in (expected if expected[-1] else expected[:-1])]


@pytest.mark.parametrize("ending", FORMATS)
def test_an_empty_file_has_no_rows_or_is_said(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"")
    if ending in (".json", ".parquet", ".arrow", ".ipc", ".feather"):
        with pytest.raises(UserError, match=rf"a\{ending}: (cannot be read|broken JSON)"):
            values(path)
    else:
        assert values(path) == []
