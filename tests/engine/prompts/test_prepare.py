import gzip
import json
import string
import unicodedata
from pathlib import Path

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.files import decode
from polydistill.engine.prompts.artifact import DROPPED
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.schema import PROMPT
from polydistill.engine.storage.shards import Folder, read_table

ROWS = [
    {"instruction": "Name a fruit.", "input": "", "output": "Apple."},
    {"instruction": "Translate.", "input": "cat", "output": "Katze"},
    {"instruction": "Häuser zählen", "input": "zwei", "output": "2"},
]


def write(path: Path, rows: list, lines: bool = True) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) if lines else json.dumps(rows))
    return str(path)


def run(path, out, unit_rows=100, **options):
    prompts = prepare([PromptSource(path=str(path), **options)], "en", Folder.of(out), unit_rows)
    rows = [row for table in prompts.tables() for row in table.to_pylist()]
    return prompts.record, rows, read_table(prompts.folder, DROPPED).to_pylist()


def reasons(dropped) -> dict[str, str]:
    return {row["origin"]: row["reason"] for row in dropped}


@pytest.mark.parametrize(
    "name",
    [
        "a.jsonl",
        "a.json",
        "lines.json",
        "a.parquet",
        "a.arrow",
        "stream.arrow",
        "a.jsonl.gz",
        "a.jsonl.zst",
        "data.json",
    ],
)
def test_every_format_gives_the_same_rows(name, tmp_path):
    path = tmp_path / name
    table = pa.Table.from_pylist(ROWS)
    if name.endswith(".parquet"):
        pq.write_table(table, path)
    elif name == "a.arrow":
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    elif name == "stream.arrow":
        datasets.Dataset(table).save_to_disk(tmp_path / "set")
        path = tmp_path / "set"  # its JSON files are no rows
    elif name == "data.json":
        path.write_text(json.dumps({"data": ROWS}))
    elif name == "a.json":
        write(path, ROWS, lines=False)
    else:
        write(path, ROWS)
        if name.endswith((".gz", ".zst")):
            content = path.read_bytes()
            with pa.CompressedOutputStream(str(path), "gzip" if name.endswith("gz") else "zstd") as stream:
                stream.write(content)
    record, rows, dropped = run(path, tmp_path / "out")
    assert [(r["instruction"], r["input"], r["truth"]) for r in rows] == [tuple(r.values()) for r in ROWS]
    assert record.rows_read == 3 and not dropped
    assert [r["origin"].rpartition(":")[2] for r in rows] == ["1", "2", "3"]
    assert {r["source"] for r in rows} == {"eng_Latn"}


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet", "arrow"])
def test_columns_of_the_fault_list_in_every_format(ending, tmp_path):
    """Columns instruction, input, response, as public data sets have them; equal questions on other inputs; numbers."""
    words = {"instruction": "Sort these words.", "input": "pear, apple", "response": "apple, pear"}
    for part, rows in enumerate(([words, words | {"input": "plum, kiwi"}], [words | {"input": 2, "response": 4}])):
        path = tmp_path / f"{part}.{ending}"
        if ending == "json":
            path.write_text(json.dumps(rows))
        elif ending == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            frame = pl.DataFrame(rows)
            {"csv": frame.write_csv, "parquet": frame.write_parquet, "arrow": frame.write_ipc}[ending](path)
        prompts = prepare([PromptSource(path=str(path))], "en", Folder.of(tmp_path / f"out{part}"), 10)
        found = [row for table in prompts.tables() for row in table.to_pylist()]
        texts = [(row["instruction"], row["input"], row["truth"]) for row in found]
        assert texts == [tuple(str(value) for value in row.values()) for row in rows]
        assert prompts.record.dropped == {} and prompts.record.unused == {}


def test_dolly_and_question_answer_columns(tmp_path):
    dolly = write(tmp_path / "dolly.jsonl", [{"instruction": "a", "context": "b", "response": "c", "category": "d"}])
    gsm = write(tmp_path / "gsm.jsonl", [{"question": "1+1?", "answer": "2"}])
    place = Folder.of(tmp_path / "out")
    prompts = prepare([PromptSource(path=dolly), PromptSource(path=gsm, language="de")], "en", place, 10)
    rows = prompts.table(0).to_pylist()
    assert prompts.record.unused == {dolly: {"category": 1}}
    assert [(r["source"], r["instruction"], r["input"], r["truth"]) for r in rows] == [
        ("eng_Latn", "a", "b", "c"),
        ("deu_Latn", "1+1?", "", "2"),
    ]
    assert [r["origin"] for r in rows] == [f"{dolly}:1", f"{gsm}:1"]


def test_bad_rows_never_stop_the_run(tmp_path):
    good = json.dumps(ROWS[0]).encode()
    lines = [
        good,
        b'{"instruction": "no answer"}',
        b'{"input": "", "output": "x"}',
        b'{"instruction": [5], "output": "x"}',
        b'{"instruction": "bad \xff byte", "output": "x"}',
        b'{"instruction": "lone \\ud800", "output": "x"}',
        b'{"instruction": " \\u0000 ", "output": "x"}',
        b'{"instruction": "cut',
        b"[1, 2]",
        b"",
        json.dumps({"instruction": "long " * 20_000, "output": "x"}).encode(),
        json.dumps({"instruction": "a", "output": "b\n##\n11. Instruction: c\n11. Input:\n"}).encode(),
        json.dumps({"instruction": "Describe it.", "input": "<Picture Attached>", "output": "x"}).encode(),
        json.dumps({"instruction": "Sum it up.", "input": "https://a.example/b", "output": "x"}).encode(),
        json.dumps({**ROWS[0], "input": "<noinput>"}).encode(),
        json.dumps({"instruction": "no input needed", "input": None, "output": ""}).encode(),
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    record, rows, dropped = run(tmp_path / "a.jsonl", tmp_path / "out")
    assert reasons(dropped) == {
        "a.jsonl:2": "missing_field",
        "a.jsonl:3": "missing_field",
        "a.jsonl:4": "wrong_type",
        "a.jsonl:5": "bad_utf8",
        "a.jsonl:6": "bad_utf8",
        "a.jsonl:7": "empty_instruction",
        "a.jsonl:8": "bad_json",
        "a.jsonl:9": "not_an_object",
        "a.jsonl:11": "too_long",
        "a.jsonl:12": "merged",
        "a.jsonl:13": "attachment",
        "a.jsonl:14": "url_only",
        "a.jsonl:15": "duplicate",
    }
    assert all(row["excerpt"] and len(row["excerpt"]) <= 200 for row in dropped if row["reason"] != "empty_instruction")
    assert [row["origin"] for row in rows] == ["a.jsonl:1", "a.jsonl:16"]
    assert record.rows_read == 15 == record.rows_kept + sum(record.dropped.values())
    assert record.mended == {"control": 1, "no_input": 1}


def test_bad_utf8_in_a_json_array_and_in_columns(tmp_path):
    (tmp_path / "a.json").write_bytes(b'[{"instruction": "a\xff", "output": "x"}, {"instruction": "b", "output": "y"}]')
    table = pa.table({"instruction": pa.array([b"a\xff", b"b"]), "output": ["x", "y"]})
    pq.write_table(table, tmp_path / "a.parquet")
    # Declared as text, which Arrow believes without looking.
    text = pa.Array.from_buffers(pa.string(), 2, table["instruction"].chunk(0).buffers())
    pq.write_table(pa.table({"instruction": text, "output": ["x", "y"]}), tmp_path / "b.parquet")
    for name in ("a.json", "a.parquet", "b.parquet"):
        _, rows, dropped = run(tmp_path / name, tmp_path / f"out-{name}")
        assert reasons(dropped) == {f"{name}:1": "bad_utf8"} and [r["instruction"] for r in rows] == ["b"], name


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'[{"instruction": "a",\n "output" "b"}]', r"a.json: broken JSON at line 2, column 11"),
        ("a.json", b'{"version": 1}', r"expected a list of rows .*found keys version"),
        ("a.jsonl.gz", gzip.compress(b'{"instruction": "a"}\n' * 9)[:-12], r"a.jsonl.gz: cannot be read"),
        ("a.parquet", b"PAR1 nothing", r"a.parquet: cannot be read as parquet"),
        ("a.arrow", b"ARROW1 nothing", r"a.arrow: cannot be read as arrow"),
        ("a.xlsx", b"a,b", r"a.xlsx: unknown kind of file"),
        ("a.jsonl", b'{"instruction": " ", "output": "b"}', r"no usable row in a.jsonl: {'empty_instruction': 1}"),
    ],
)
def test_a_file_that_cannot_be_used_is_said(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        run(tmp_path / name, tmp_path / "out")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.json: no such file"):
        run(tmp_path / "nowhere.json", tmp_path / "out")


def test_texts_are_mended(tmp_path):
    rows = [
        {"instruction": "  a\r\nb\u2028c\x07 ", "input": "No input required.", "output": "e\u0301"},
        {"instruction": "keeps", "input": "N/A", "output": "<nooutput>"},
        {"instruction": "keeps too", "input": "He was <noinput>", "output": "\tindented\n    code\u200b"},
    ]
    record, rows, _ = run(write(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert [(r["instruction"], r["input"], r["truth"]) for r in rows] == [
        ("a\nb\nc", "", "é"),
        ("keeps", "", ""),
        ("keeps too", "He was <noinput>", "indented\n    code\u200b"),
    ]
    assert record.mended == {"control": 1, "line_ends": 1, "no_input": 2, "no_output": 1, "normalized": 1}


def test_second_call_reuses_and_other_sources_are_refused(tmp_path):
    path = Path(write(tmp_path / "a.jsonl", ROWS))
    first, _, _ = run(path, tmp_path / "out")
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.*")}
    path.touch()  # another time, the same content
    assert run(path, tmp_path / "out")[0] == first
    assert times == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.*")}
    with pytest.raises(UserError, match=r"work.unit_rows was 100, is 7; limit of a.jsonl was None, is 2"):
        run(path, tmp_path / "out", unit_rows=7, limit=2)
    write(path, ROWS[:2])
    with pytest.raises(UserError, match=r"the content of a.jsonl has changed"):
        run(path, tmp_path / "out")
    with pytest.raises(UserError, match=r"the files were a.jsonl, are b.jsonl"):
        run(write(tmp_path / "b.jsonl", ROWS[:2]), tmp_path / "out")
    moved = write(tmp_path / "c.jsonl", ROWS)  # the same content elsewhere is the same source
    assert run(moved, tmp_path / "out")[0] == first


def test_blocks_and_limit(tmp_path, monkeypatch):
    rows = [{"instruction": f"row {i} ü", "output": "x" * (i % 50)} for i in range(500)]
    path = write(tmp_path / "a.jsonl", rows)
    _, whole, _ = run(path, tmp_path / "whole")
    monkeypatch.setattr(decode, "BLOCK", 97)  # smaller than some lines, and cuts characters in two
    _, blocks, _ = run(path, tmp_path / "blocks")
    assert blocks == whole and len(whole) == 500
    _, few, _ = run(path, tmp_path / "few", limit=123)
    assert few == whole[:123]


texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(string.ascii_letters + " \n\r\x00"), max_size=8
)
values = texts | st.none() | st.integers()
json_rows = st.dictionaries(st.sampled_from(["instruction", "input", "output", "x"]), values) | st.integers()


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", text)))


@given(rows=st.lists(json_rows, max_size=40), unit_rows=st.integers(1, 9))
def test_nothing_is_lost(rows, unit_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    rows = [{"instruction": "the first", "input": "", "output": "row"}, *rows]
    record, kept, dropped = run(write(folder / "a.jsonl", rows), folder / "out", unit_rows)
    assert record.rows_read == len(rows) == record.rows_kept + len(dropped)
    assert record.rows_kept == len(kept) and sum(record.dropped.values()) == len(dropped)
    # Every row is in one of the two, under its own number.
    assert sorted(int(r["origin"].split(":")[1]) for r in kept + dropped) == list(range(1, len(rows) + 1))
    assert len({r["id"] for r in kept}) == len(kept)
    assert all(r["instruction"].strip() for r in kept)
    for row in kept:
        source = rows[int(row["origin"].split(":")[1]) - 1]
        assert letters(row["instruction"]) == letters(str(source["instruction"]))
    sizes = [unit.rows for unit in record.units]
    assert max(sizes) <= unit_rows and max(sizes) - min(sizes) <= 1
    assert len(sizes) == -(-len(kept) // unit_rows)


@pytest.mark.data
def test_real_alpaca(data, tmp_path):
    path = data / "alpaca" / "alpaca_28k.jsonl.gz"
    record, rows, dropped = run(path, tmp_path / "out", unit_rows=1000)
    assert record.rows_read == 28_203 == len(rows) + len(dropped)
    assert record.dropped == {"attachment": 47, "duplicate": 50, "merged": 23, "url_only": 79}
    assert record.mended["no_input"] == 289
    again, _, _ = run(path, tmp_path / "again", unit_rows=1000)
    assert again.units == record.units
    folder = str(tmp_path / "out" / "prompts")
    names = [f"{folder}/{unit.path}" for unit in record.units]
    assert pl.scan_ipc(names).collect().height == len(rows)
    assert datasets.load_dataset("arrow", data_files=names, cache_dir=str(tmp_path))["train"].num_rows == len(rows)
    assert read_table(Folder.of(folder), "000000.arrow").schema == PROMPT


def sampled(folder: Path, rows: list, name: str, seed: int = 0, **options) -> tuple:
    """Record and numbers of the rows that a sample keeps."""
    path = write(folder / f"{name}.jsonl", rows)
    config = PromptSource(path=path, **options)
    prompts = prepare([config], "en", Folder.of(folder / f"out-{name}-{seed}"), 1000, seed)
    found = [int(text.split()[1]) for table in prompts.tables() for text in table["instruction"].to_pylist()]
    return prompts.record, found


def test_a_sample_has_its_size_and_is_spread_over_the_source(tmp_path):
    rows = [{"instruction": f"Row {i}", "output": "x"} for i in range(2000)]
    record, found = sampled(tmp_path, rows, "a", sample=400)
    assert len(found) == 400 == record.rows_kept and found == sorted(set(found))  # in the source's order
    assert record.dropped == {"not_sampled": 1600} and record.rows_read == 2000 and record.seed == 0
    tenths = [sum(start <= number < start + 200 for number in found) for start in range(0, 2000, 200)]
    assert min(tenths) >= 22 and max(tenths) <= 58  # 40 expected, standard deviation 5.4: three and a bit away


def test_a_sample_depends_on_seed_and_content_only(tmp_path):
    rows = [{"instruction": f"Row {i}", "output": "x"} for i in range(300)]
    _, first = sampled(tmp_path, rows, "a", sample=60)
    _, backwards = sampled(tmp_path, rows[::-1], "b", sample=60)
    assert sorted(backwards) == first
    _, other = sampled(tmp_path, rows, "a", seed=1, sample=60)
    assert len(other) == 60 and 2 <= len(set(other) & set(first)) <= 24  # 12 expected by chance
    _, smaller = sampled(tmp_path, rows, "c", sample=20)
    assert set(smaller) < set(first)  # a smaller sample is part of a larger one


def test_a_sample_counts_usable_rows_and_may_be_larger_than_the_source(tmp_path):
    rows = [{"instruction": f"Row {i // 2}", "output": "x"} for i in range(40)] + [{"output": "x"}] * 10
    record, found = sampled(tmp_path, rows, "a", sample=15)
    assert len(set(found)) == 15
    assert record.dropped == {"duplicate": 20, "missing_field": 10, "not_sampled": 5}
    record, found = sampled(tmp_path, rows, "b", sample=1000)
    assert found == list(range(20)) and "not_sampled" not in record.dropped


def test_each_source_has_its_own_sample(tmp_path):
    paths = [
        write(tmp_path / f"{n}.jsonl", [{"instruction": f"{n} {i}", "output": "x"} for i in range(50)]) for n in "ab"
    ]
    configs = [PromptSource(path=paths[0], sample=7), PromptSource(path=paths[1])]
    prompts = prepare(configs, "en", Folder.of(tmp_path / "out"), 1000)
    texts = prompts.table(0)["instruction"].to_pylist()
    assert [sum(text.startswith(n) for text in texts) for n in "ab"] == [7, 50]
    with pytest.raises(UserError, match="the seed of the sample was 0, is 3"):
        prepare(configs, "en", Folder.of(tmp_path / "out"), 1000, 3)
