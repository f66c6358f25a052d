"""Digests of the files that training writes: what tells a whole file from a cut or altered one."""

import hashlib
import os

import pyarrow.fs

from polydistill.engine.storage.shards import Folder
from polydistill.trainer.records import FileDigest


def file_digest(path: str) -> FileDigest:
    """Digest of a local file, which is flushed to the disk first."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileDigest(os.path.getsize(path), digest)


def folder_digests(root: str, folder: str) -> dict[str, FileDigest]:
    """Digests of all files under `root`/`folder`, by their path relative to `root`."""
    found = {}
    for parent, _, names in os.walk(os.path.join(root, folder)):
        for name in names:
            path = os.path.join(parent, name)
            found[os.path.relpath(path, root)] = file_digest(path)
    return dict(sorted(found.items()))


_known: dict[tuple[str, int, int], str] = {}
"""Digest by (path, bytes, time of the last change), so that a file is read once as long as nobody touches it."""


def problems(folder: Folder, files: dict[str, FileDigest]) -> list[str]:
    """One sentence for each file that is missing or is not what was written."""
    found = [_problem(folder, name, digest) for name, digest in files.items()]
    return [problem for problem in found if problem]


def _problem(folder: Folder, name: str, digest: FileDigest) -> str | None:
    path = folder.join(name)
    info = folder.filesystem.get_file_info(path)
    if info.type != pyarrow.fs.FileType.File:
        return f"{path} is missing"
    if info.size != digest.bytes:
        return f"{path}: damaged ({info.size:,} bytes, {digest.bytes:,} were written)"
    key = (path, info.size, info.mtime_ns or 0)
    if key not in _known:
        sha256 = hashlib.sha256()
        with folder.filesystem.open_input_stream(path) as stream:
            while block := stream.read(1 << 22):
                sha256.update(block)
        _known[key] = sha256.hexdigest()
    return None if _known[key] == digest.sha256 else f"{path}: damaged (its content is not what was written)"
