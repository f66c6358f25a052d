"""Checkpoints that are whole or not there.

    out/checkpoints/000120/           DeepSpeed's files, one part from each rank
    out/checkpoints/000120/done.json  written last: step, validation so far, the run's identity, number of ranks

A folder without done.json is the remains of a crash; it is removed before anything is written to its place. The
data position, learning rate and dropout are functions of (seed, step), so `step` is all that resume needs.

DeepSpeed writes pickles: load only checkpoints that you trust as much as code.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.fs
import torch
import torch.distributed as dist

from polydistill.engine.storage.shards import Folder
from polydistill.trainer.identity import refuse_another

MARK = "done.json"


def name(step: int) -> str:
    """Folder name of the checkpoint after so many steps."""
    return f"{step:06}"


def finished(checkpoints: Folder) -> list[str]:
    """Names of the whole checkpoints, oldest first."""
    names = checkpoints.names(recursive=True)
    return sorted(n.partition("/")[0] for n in names if n.endswith(f"/{MARK}") and n.count("/") == 1)


def newest(checkpoints: Folder, identity: dict[str, Any]) -> dict[str, Any]:
    """The state in the newest whole checkpoint, or that of a new run.

    Raises:
        UserError: it belongs to another run; the message names what differs.
    """
    names = finished(checkpoints)
    if not names:
        return {"step": 0, "validation": [], "best": None, "bad": 0, "skipped": [], "ranks": dist.get_world_size()}
    state = (checkpoints / names[-1]).read_json(MARK)
    refuse_another(identity, state.pop("identity"), checkpoints.root)
    return state


def needs_conversion(state: dict[str, Any], stage: str) -> bool:
    """Whether a checkpoint was split over another number of ranks, so that it has to be put together again."""
    return bool(state["step"]) and stage != "zero0" and state["ranks"] != dist.get_world_size()


def save(engine: Any, checkpoints: Folder, state: dict[str, Any], keep: int) -> None:
    """Write a checkpoint with all ranks; afterwards only the newest `keep` and the best one are left."""
    tag, rank = name(state["step"]), dist.get_rank()
    if rank == 0:
        _remove(checkpoints, tag)
        checkpoints.filesystem.create_dir(checkpoints.root, recursive=True)
    dist.barrier()
    with _local(checkpoints) as folder:
        engine.save_checkpoint(folder, tag=tag, save_latest=False)
        _sync(f"{folder}/{tag}")
        if folder != checkpoints.root:
            pyarrow.fs.copy_files(
                f"{folder}/{tag}", checkpoints.join(tag), destination_filesystem=checkpoints.filesystem
            )
    dist.barrier()
    if rank == 0:
        (checkpoints / tag).write_json(MARK, {**state, "ranks": dist.get_world_size()})
        best = name(state["best"]["step"]) if state["best"] else None
        for old in finished(checkpoints)[:-keep]:
            if old != best:
                _remove(checkpoints, old)
    dist.barrier()


def load(engine: Any, checkpoints: Folder, tag: str, universal: bool = False) -> None:
    """Bring a checkpoint's model and optimizer back; `universal` puts the parts of other ranks together first."""
    with _local(checkpoints) as folder:
        if folder != checkpoints.root:
            pyarrow.fs.copy_files(checkpoints.join(tag), f"{folder}/{tag}", source_filesystem=checkpoints.filesystem)
        if universal:
            # Each machine needs the whole on its disk; on a shared one they all write the same bytes once.
            shared = folder == checkpoints.root
            if not shared or dist.get_rank() == 0:
                _convert(f"{folder}/{tag}", f"{folder}/{tag}-universal")
            dist.barrier()
            tag = f"{tag}-universal"
        decay = [group["weight_decay"] for group in engine.optimizer.param_groups]
        engine.load_checkpoint(folder, tag=tag, load_lr_scheduler_states=False)
        if universal:
            _mend(engine, decay)
        dist.barrier()
        if universal and dist.get_rank() == 0:
            shutil.rmtree(f"{folder}/{tag}", ignore_errors=True)


def _convert(source: str, destination: str) -> None:
    """DeepSpeed's universal checkpoint from one that is split over ranks."""
    from deepspeed.checkpoint import ds_to_universal

    shutil.rmtree(destination, ignore_errors=True)
    ds_to_universal.main(
        argparse.Namespace(
            input_folder=source,
            output_folder=destination,
            num_extract_workers=1,
            num_merge_workers=1,
            keep_temp_folder=False,
            strict=True,
            inject_missing_state=True,
        )
    )


def _mend(engine: Any, decay: list[float]) -> None:
    """Undo what DeepSpeed 0.19 does to a universal zero3 checkpoint when it is loaded.

    All parameter groups get the first one's settings, and one tensor as AdamW's step count, which then is counted
    up once for each group.
    """
    for group, value in zip(engine.optimizer.param_groups, decay):
        group["weight_decay"] = value
    for state in getattr(engine.optimizer, "optimizer", engine.optimizer).state.values():
        if torch.is_tensor(state.get("step")):
            state["step"] = state["step"].clone()


@contextmanager
def _local(checkpoints: Folder) -> Iterator[str]:
    """The folder itself where it is on a file system of this machine, else a temporary one."""
    if isinstance(checkpoints.filesystem, pyarrow.fs.LocalFileSystem):
        yield checkpoints.root
        return
    with tempfile.TemporaryDirectory(prefix="polydistill-") as folder:
        yield folder


def _remove(checkpoints: Folder, tag: str) -> None:
    """Delete a checkpoint, its mark first, so that what is left of a broken deletion is no checkpoint."""
    place = checkpoints / tag
    if place.exists(MARK):
        place.filesystem.delete_file(place.join(MARK))
    if place.names(recursive=True):
        place.filesystem.delete_dir(place.root)


def _sync(folder: str) -> None:
    """Flush this machine's files of a checkpoint to the disk."""
    for root, _, files in os.walk(folder):
        for file in files:
            handle = os.open(os.path.join(root, file), os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
