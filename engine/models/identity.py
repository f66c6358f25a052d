"""What tells a model's weights from others'."""

import hashlib
import os
from pathlib import Path

from polydistill.engine.errors import UserError


def model_identity(model: str) -> str:
    """Short digest of a model folder's (or file's) content; of a hub id, itself and its cached commit.

    Copies of a folder are one model. Small files count whole; of weight files the size, the first and the last MiB,
    which tell checkpoints apart in milliseconds even for hundreds of GB.

    Raises:
        UserError: a path where nothing is.
    """
    folder = Path(model)
    if folder.is_file():
        return hashlib.sha256(folder.read_bytes()).hexdigest()[:16]
    if not folder.is_dir():
        if model.startswith((".", "/")):
            raise UserError(f"{model}: no such model folder")
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(model, "config.json") if model.count("/") <= 1 else None
        return f"{model}@{Path(cached).parent.name}" if isinstance(cached, str) else model
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)}:{size}\n".encode())
        with open(path, "rb") as file:
            digest.update(file.read(1 << 20))
            if size > 2 << 20:
                file.seek(-1 << 20, os.SEEK_END)
            digest.update(file.read())
    return digest.hexdigest()[:16]
