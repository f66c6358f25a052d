"""Models and data sets of the Hugging Face hub as folders in its local cache."""

import os
from collections.abc import Sequence
from pathlib import Path

UNNEEDED = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx/*", "*.gguf", "*.pth", "original/*")
"""Copies of a model's weights for other libraries."""


def snapshot(
    name: str, kind: str = "model", *, revision: str | None = None, parts: Sequence[str] = (), fetch: bool = True
) -> Path:
    """A repository's folder in the hub's cache. What is missing there is fetched, unless HF_HUB_OFFLINE=1.

    The listing that the cache keeps says whether all of it is there. So all that fetch and read a repository have to
    leave out the same files, as they do here.

    Args:
        name: OWNER/NAME.
        kind: "model" or "dataset".
        revision: branch, tag or commit. None: the newest.
        parts: patterns of the files that are wanted. Empty: all of a data set, and all of a model but `UNNEEDED`.
        fetch: False: only look whether all of it is there, and do not ask the hub. A cache without the repository's
            listing cannot tell, so it raises then.

    Returns:
        The folder, whose name is the commit.

    Raises:
        Exception: whatever the hub and the network raise, e.g. huggingface_hub's `LocalEntryNotFoundError` offline.
    """
    from huggingface_hub import get_cached_repo_tree, snapshot_download

    if not fetch:
        get_cached_repo_tree(name, repo_type=kind, revision=revision)
    folder = snapshot_download(
        name,
        repo_type=kind,
        revision=revision,
        allow_patterns=list(parts) or None,
        ignore_patterns=list(UNNEEDED) if kind == "model" else None,
        endpoint=os.environ.get("HF_ENDPOINT"),
        max_workers=4,
        local_files_only=not fetch,
    )
    return Path(folder)
