import os

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.models.identity import file_digest, model_identity


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POLYDISTILL_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("place", [0, 2_500_000, 4_999_999])
def test_one_other_byte_anywhere_is_another_model(tmp_path, place):
    weights = tmp_path / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"a" * 5_000_000)
    before = model_identity(str(weights.parent))
    data = bytearray(weights.read_bytes())
    data[place] = 0
    weights.write_bytes(data)
    assert model_identity(str(weights.parent)) != before


def test_a_copy_is_the_same_model_and_hidden_files_do_not_count(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "two" / ".cache").write_text("x")
    assert model_identity(str(tmp_path / "one")) == model_identity(str(tmp_path / "two"))


def test_a_large_file_is_read_once_while_it_stays_the_same(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"a" * 2_000_000)
    first, stat = file_digest(file), file.stat()
    with open(file, "r+b") as stream:  # other content under the same size, inode and time: the digest is remembered
        stream.write(b"b")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file_digest(file) == first
    os.utime(file)
    assert file_digest(file) != first


def test_a_broken_memo_costs_time_only(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(b"a" * 2_000_000)
    first = file_digest(file)
    (book,) = (tmp_path / "cache" / "digests").iterdir()
    known = book.read_text()
    for damaged in ("[", "{}", known.replace(first, "0" * 64), known.replace('"sha256"', '"sha"')):
        book.write_text(damaged)
        assert file_digest(file) == first


def test_a_path_where_nothing_is(tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        model_identity(str(tmp_path / "nothing"))
