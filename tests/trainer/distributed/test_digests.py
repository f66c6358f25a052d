"""Digests tell a whole file from a missing, cut or altered one."""

import hashlib
import os
from pathlib import Path

from polydistill.engine.storage.shards import Folder
from polydistill.trainer.distributed.digests import file_digest, folder_digests, problems
from polydistill.trainer.records import FileDigest


def test_every_file_below_a_folder_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/b.bin").write_bytes(b"weights")
    (tmp_path / "model/deep/a.json").write_bytes(b"")
    (tmp_path / "other.txt").touch()
    found = folder_digests(str(tmp_path), "model")
    assert list(found) == ["model/b.bin", "model/deep/a.json"]
    assert found["model/b.bin"] == FileDigest(7, hashlib.sha256(b"weights").hexdigest())
    assert problems(Folder.of(tmp_path), found) == []


def test_each_damage_is_one_sentence(tmp_path: Path) -> None:
    files = {}
    for name in ("whole", "gone", "cut", "altered", "a folder"):
        (tmp_path / name).write_bytes(b"12345678")
        files[name] = file_digest(str(tmp_path / name))
    (tmp_path / "gone").unlink()
    (tmp_path / "cut").write_bytes(b"1234")
    (tmp_path / "altered").write_bytes(b"12345679")
    (tmp_path / "a folder").unlink()
    (tmp_path / "a folder").mkdir()
    assert problems(Folder.of(tmp_path), files) == [
        f"{tmp_path}/gone is missing",
        f"{tmp_path}/cut: damaged (4 bytes, 8 were written)",
        f"{tmp_path}/altered: damaged (its content is not what was written)",
        f"{tmp_path}/a folder is missing",
    ]


def test_a_file_that_changes_after_it_was_read_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"12345678")
    files = {"weights": file_digest(str(file))}
    assert problems(Folder.of(tmp_path), files) == []
    file.write_bytes(b"87654321")
    later = file.stat().st_mtime + 1
    os.utime(file, (later, later))
    assert len(problems(Folder.of(tmp_path), files)) == 1
