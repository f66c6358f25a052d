"""What tells a model's weights from others': digests of whole files, never their paths."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.storage.fingerprint import fingerprint

_SMALL = 1 << 20  # bytes; reading a smaller file again costs less than looking it up


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
    book = cache_root() / "digests" / f"{fingerprint(str(path))}.json"
    stamp = [str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino]
    with suppress(OSError, ValueError):
        known = json.loads(book.read_text(encoding="utf-8"))
        if isinstance(known, dict) and known.get("stamp") == stamp:
            return str(known["sha256"])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # a cache that cannot be written costs time only
        book.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=book.parent, delete=False, encoding="utf-8") as temporary:
            json.dump({"stamp": stamp, "sha256": digest}, temporary)
        os.replace(temporary.name, book)
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
