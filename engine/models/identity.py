"""What tells a model's weights from others': digests of whole files, never their paths."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

_SMALL = 1 << 20  # bytes; reading a smaller file again costs less than looking it up


@dataclass(frozen=True)
class KnownDigest:
    """The digest of a large file, and what tells that the file is still the same."""

    path: str
    bytes: int
    time: int  # of the last change, nanoseconds
    inode: int
    sha256: str = ""
    format: int = 1


def cache_root(cache: str | None = None) -> Path:
    """The folder for what is made once and can be made again: $POLYDISTILL_CACHE, else ~/.cache/polydistill."""
    return Path(cache or os.environ.get("POLYDISTILL_CACHE") or "~/.cache/polydistill").expanduser()


def file_digest(path: Path) -> str:
    """SHA-256 of a whole file, 64 hex digits.

    Reading 13 GB takes a while. So the digest of a large file is remembered in the cache with the file's size, time of
    change and inode, and is taken from there while these stay the same.
    """
    path = path.resolve()
    stat = path.stat()
    if stat.st_size < _SMALL:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    cache, book = Folder.of(cache_root() / "digests"), f"{fingerprint(str(path))}.json"
    known = KnownDigest(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    with suppress(OSError, DamagedError):
        found = read_record(cache, book, KnownDigest)
        if replace(found, sha256="") == known:
            return found.sha256
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # a cache that cannot be written costs time only
        write_record(cache, book, replace(known, sha256=digest))
    return digest


def model_identity(model: str) -> str:
    """Short digest of a model folder's (or file's) content; of a hub id, itself and its cached commit.

    Copies of a folder are one model. Hidden files and file modes do not count.

    Raises:
        UserError: a path where nothing is.
    """
    folder = Path(model).expanduser()
    if folder.is_file():
        return file_digest(folder)[:16]
    if not folder.is_dir():
        if model.startswith((".", "/", "~")):
            raise UserError(f"{model}: no such model folder")
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(model, "config.json") if model.count("/") <= 1 else None
        return f"{model}@{Path(cached).parent.name}" if isinstance(cached, str) else model
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return fingerprint({str(path.relative_to(folder)): file_digest(path) for path in files})
