import hashlib
import os

import datasets
import polars as pl
import pyarrow as pa
import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.shards import (
    Folder,
    Shard,
    check_shard,
    read_shard,
    read_table,
    write_table,
    write_tables,
)

TABLE = pa.table({"id": [f"{i:04}" for i in range(100)], "text": [None if i % 7 == 0 else "x" * i for i in range(100)]})


@pytest.fixture(params=["local", "other"])
def place(request, tmp_path):
    """A folder on the local file system and one behind a file system that is not known as local."""
    if request.param == "local":
        return Folder.of(tmp_path / "run")
    return Folder(pa.fs.SubTreeFileSystem(str(tmp_path), pa.fs.LocalFileSystem()), "run")


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_a_shard_reads_back(place, compression):
    shard = write_table(place, "deep/er/a.arrow", TABLE, compression)
    assert read_table(place, "deep/er/a.arrow").equals(TABLE)
    assert read_table(place, "deep/er/a.arrow", ["text"]).column_names == ["text"]
    content = place.read("deep/er/a.arrow")
    assert shard == Shard("deep/er/a.arrow", 100, len(content), hashlib.sha256(content).hexdigest())
    assert read_shard(place, shard).equals(TABLE)


def test_equal_tables_are_equal_bytes(place):
    whole = write_table(place, "a.arrow", TABLE)
    parts = write_table(place, "b.arrow", pa.concat_tables([TABLE.slice(0, 33), TABLE.slice(33)]))
    assert whole.sha256 == parts.sha256


def test_tables_are_written_as_they_come(place):
    made = []

    def parts():
        for start in range(0, 100, 30):
            made.append(start)
            yield TABLE.slice(start, 30)

    shard = write_tables(place, "a.arrow", TABLE.schema, parts())
    assert made == [0, 30, 60, 90] and read_table(place, "a.arrow").equals(TABLE)
    content = place.read("a.arrow")
    assert shard == Shard("a.arrow", 100, len(content), hashlib.sha256(content).hexdigest())


def test_a_shard_that_breaks_off_is_not_there(place):
    def parts():
        yield TABLE
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_tables(place, "a.arrow", TABLE.schema, parts())
    assert place.names(recursive=True) == []


def test_other_libraries_open_a_shard(tmp_path):
    write_table(Folder.of(tmp_path), "a.arrow", TABLE)
    assert pl.read_ipc(tmp_path / "a.arrow").height == 100
    loaded = datasets.load_dataset("arrow", data_files=str(tmp_path / "a.arrow"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"]["id"][99] == "0099"


def test_a_truncated_shard_is_an_error_that_says_what_to_do(tmp_path):
    place = Folder.of(tmp_path)
    write_table(place, "a.arrow", TABLE)
    content = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"a\.arrow: not a whole Arrow file .*. Delete it and run again"):
        read_table(place, "a.arrow")


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    place = Folder.of(tmp_path)
    place.write("a", b"old")

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        place.write("a", b"new, longer")
    assert place.read("a") == b"old" and place.names() == ["a"]


def test_names_are_relative_and_sorted(place):
    assert place.names() == [] and not place.exists("a")
    for name in ("b", "a", "sub/c"):
        place.write(name, b"")
    assert place.names() == ["a", "b"] and place.names(recursive=True) == ["a", "b", "sub/c"]
    assert place.exists("sub/c") and not place.exists("sub")
    assert (place / "sub").names() == ["c"]


def test_json_and_its_errors(place):
    place.write_json("a.json", {"Häuser": [1, None]})
    assert place.read_json("a.json") == {"Häuser": [1, None]} and "Häuser" in place.read("a.json").decode()
    place.write("b.json", b"{")
    with pytest.raises(UserError, match=r"b\.json: damaged .not valid JSON"):
        place.read_json("b.json")
    with pytest.raises(UserError, match=r"c\.json is missing"):
        place.read_json("c.json")


def test_places_from_paths_and_uris(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Folder.of("run") == Folder.of(tmp_path / "run") == Folder.of(f"file://{tmp_path}/run")
    place = Folder.of("run")
    assert Folder.of(place) is place and place.join("a") == f"{tmp_path}/run/a"


@pytest.mark.parametrize("damage", ["deleted", "cut", "emptied", "flipped", "zeroed"])
def test_a_shard_that_is_not_what_was_written_is_named(tmp_path, damage):
    place = Folder.of(tmp_path)
    shard = write_table(place, "a.arrow", TABLE)
    file = tmp_path / "a.arrow"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"cut": data[:-9], "emptied": b"", "flipped": data, "zeroed": bytes(len(data))}
    file.unlink() if damage == "deleted" else file.write_bytes(changed[damage])
    with pytest.raises(DamagedError, match=r"a\.arrow(:| is missing)"):
        read_shard(place, shard)


def test_a_digest_is_compared_once_in_a_process_unless_the_file_changes(tmp_path):
    place = Folder.of(tmp_path)
    shard = write_table(place, "a.arrow", TABLE)
    check_shard(place, shard)
    file = tmp_path / "a.arrow"
    times = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    check_shard(place, shard)  # same time and size: believed
    with pytest.raises(DamagedError, match="damaged"):
        check_shard(place, shard, again=True)
    os.utime(file)
    with pytest.raises(DamagedError, match="damaged"):
        check_shard(place, shard)
    file.unlink()
    with pytest.raises(DamagedError, match="missing"):
        check_shard(place, shard)


def test_temporary_files_of_killed_processes_are_swept_and_nothing_else(tmp_path):
    (tmp_path / "pool").mkdir()
    for name in ("a.arrow", "a.arrow.tmp-12-34", "pool/b.arrow.tmp-1-2", "notes.tmp"):
        (tmp_path / name).write_text("x")
    assert Folder.of(tmp_path).sweep(recursive=False) == 1
    assert Folder.of(tmp_path).sweep() == 1
    assert Folder.of(tmp_path).names(recursive=True) == ["a.arrow", "notes.tmp"]


@pytest.mark.parametrize("address", ["https://host/rows.json", "ftp://host/rows", "nonsense://x"])
def test_an_address_that_is_no_place_for_files(address: str) -> None:
    with pytest.raises(UserError, match=f"{address}: no place to read from"):
        Folder.of(address)
