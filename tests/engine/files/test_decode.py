import gzip

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.files import decode
from polydistill.engine.files.decode import read_lines, read_text
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "SMALL", 1 << 20)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": "b"}\n' * 1_000_000))
    with pytest.raises(UserError, match=r"a\.jsonl\.gz: expands to more than 200 times"):
        list(read_rows(File.of(path)))


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt", "a.tsv"])
def test_a_line_without_end_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "LINE", 1 << 16)
    monkeypatch.setattr(decode, "BLOCK", 1 << 12)
    path = tmp_path / name
    path.write_text('[{"a": "' + "x" * (1 << 18))
    with pytest.raises(UserError, match=rf"{name}.* of more than 65,536 (bytes|characters)"):
        list(read_rows(File.of(path)))


def test_a_document_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "WHOLE", 100)
    path = tmp_path / "a.json"
    path.write_text('{"data": [' + ",\n".join(['{"a": 1}'] * 50) + "]}")
    with pytest.raises(UserError, match="more than 100 characters in one JSON value"):
        list(read_rows(File.of(path)))
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(b"PAR1" * 100))
    with pytest.raises(UserError, match=r"larger than 100 bytes\. Decompress it"):
        list(read_rows(File.of(tmp_path / "a.parquet.gz")))


def test_lines_that_are_no_utf8_are_said_with_their_number(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(UserError, match=r"a\.txt:2: not UTF-8"):
        list(read_lines(File.of(tmp_path / "a.txt")))
    assert read_text(File.of(tmp_path / "a.txt")) == "one\ntwo \udcff"


def test_half_a_character_of_utf16_is_said(tmp_path):
    (tmp_path / "a.txt").write_bytes("one\ntwo".encode("utf-16")[:-1])
    with pytest.raises(UserError, match=r"a\.txt: cannot be read"):
        list(read_lines(File.of(tmp_path / "a.txt")))
