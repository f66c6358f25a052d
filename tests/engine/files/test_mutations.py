"""Damaged files through every reader: a UserError or rows, never a traceback, a dead process or rows that vanish."""

import bz2
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from polydistill.engine.config import Dictionaries, Leakage, PromptSource, Synthesis, load
from polydistill.engine.mixing.leakage import Index
from polydistill.engine.mixing.switching.dictionaries import load_dictionary
from polydistill.engine.pairs.find import find_one
from polydistill.engine.pairs.read import read_pairs
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.storage.shards import Folder
from tests.engine.files.mutation import COUNT, Reader, damage

ROWS = [
    {
        "instruction": f"Say {i} ü.",
        "input": "x" * (i % 4),
        "output": f"It is {i}.",
        "n": i,
        "history": [["a", "b"]] if i % 3 else [],
    }
    for i in range(20)
]
TALKS = [{"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}]} for i in range(20)]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
FLAT = "instruction,output\n" + "".join(f'"Say, {i}",It is {i}\n' for i in range(20))
PAIRS = "".join(f"word{i} here\tWort{i} hier\n" for i in range(20)).encode()
CONFIG = b"output: o\ntargets: [de, id]\nprompts: {path: a.json}\ntranslate: {model: m}\nwork: {unit_rows: 7}\n"


def arrow(stream: bool, **options) -> bytes:
    table = pa.Table.from_pylist(ROWS)
    table = table.append_column("kind", table["input"].combine_chunks().dictionary_encode())
    sink = pa.BufferOutputStream()
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=7)
    return sink.getvalue().to_pybytes()


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue().to_pybytes()


def prompts(path: Path, folder: Path) -> int:
    columns = {"answer": None} if path.suffix == ".txt" else {}
    record = prepare([PromptSource(path=str(path), columns=columns)], "en", Folder.of(folder / "out"), 9).record
    assert record.rows_read == record.rows_kept + sum(record.dropped.values())
    return record.rows_kept


def pairs(path: Path, folder: Path) -> int:
    file = find_one(str(path), "eng_Latn", "deu_Latn")
    assert file is not None
    return sum(1 for _ in read_pairs(file, "eng_Latn", "deu_Latn"))


def dictionary(path: Path, folder: Path) -> int:
    found = load_dictionary(Dictionaries(path=str(path)), "eng_Latn", "deu_Latn")
    return found.pairs if found else 0


def leakage(path: Path, folder: Path) -> int:
    index = Index.of(Leakage(against=[str(path)]))
    return sum(index.files.values())


def configuration(path: Path, folder: Path) -> int:
    return load(Synthesis, path).work.unit_rows


READERS: list[Reader] = [
    ("a.jsonl", LINES, prompts),
    ("a.jsonl.gz", gzip.compress(LINES), prompts),
    ("a.jsonl.bz2", bz2.compress(LINES), prompts),
    ("a.json", json.dumps(ROWS).encode(), prompts),
    ("b.json", json.dumps({"data": ROWS}).encode("utf-16"), prompts),
    ("c.json", json.dumps(TALKS, indent=1).encode(), prompts),
    ("a.csv", FLAT.encode(), prompts),
    ("a.tsv", FLAT.replace('"Say, ', "Say ").replace('",', "\t").replace(",", "\t").encode(), prompts),
    ("a.txt", b"\n".join(b"Say %d." % i for i in range(20)), prompts),
    ("a.parquet", parquet(), prompts),
    ("a.arrow", arrow(stream=False), prompts),
    ("b.arrow", arrow(stream=True), prompts),
    ("c.arrow", arrow(stream=False, compression="zstd"), prompts),
    ("d.arrow", arrow(stream=True, compression="lz4"), prompts),
    ("en-de.tsv", PAIRS, pairs),
    ("en-de.tsv.gz", gzip.compress(PAIRS), pairs),
    ("en-de.txt", PAIRS.replace(b" here", b"").replace(b" hier", b""), dictionary),
    ("a.jsonl", LINES, leakage),
    ("a.tsv.gz", gzip.compress(PAIRS), leakage),
    ("run.yaml", CONFIG, configuration),
]


@pytest.mark.timeout(max(300, COUNT))
def test_damaged_files_end_in_a_sentence_or_in_rows(tmp_path):
    damage(__name__, tmp_path)


def test_the_files_are_whole_before_they_are_damaged(tmp_path):
    for number, (name, raw, reader) in enumerate(READERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(raw)
        assert reader(folder / name, folder) >= (7 if reader is configuration else 20), name
