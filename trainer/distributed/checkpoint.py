"""Checkpoints during training: whole and verified, or not used.

    out/checkpoints/000120/           DeepSpeed's files, one part from each rank
    out/checkpoints/000120/done.json  written last: progress, the run's identity, ranks, and a digest of every file

A folder without done.json is the remains of a crash. It is removed before anything is written to its place.
"""

import errno
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow.fs
import torch.distributed as dist

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.distributed import universal
from polydistill.trainer.distributed.digests import FileDigest, file_digest, problems
from polydistill.trainer.distributed.engine import Engine
from polydistill.trainer.identity import refuse_another
from polydistill.trainer.records import CheckpointRecord, Identity, Progress

MARK = "done.json"


def name(step: int) -> str:
    """Folder name of the checkpoint after `step` steps."""
    return f"{step:06}"


def finished(checkpoints: Folder) -> list[str]:
    """Names of the checkpoints that were written to the end, oldest first."""
    names = checkpoints.names(recursive=True)
    found = [n.partition("/")[0] for n in names if n.endswith(f"/{MARK}") and n.count("/") == 1]
    return sorted(n for n in found if n.isdigit())


def newest(checkpoints: Folder, identity: Identity) -> CheckpointRecord | None:
    """The record of the newest checkpoint whose files are as they were written; None where there is none.

    Damaged ones are passed over, with a line on stderr. Every rank may call this: each file is read once by all
    ranks together.

    Raises:
        UserError: it belongs to another run; the message names what differs.
    """
    for tag in reversed(finished(checkpoints)):
        try:
            record = read_record(checkpoints / tag, MARK, CheckpointRecord)
        except DamagedError as error:
            _pass_over(str(error))
            continue
        refuse_another(identity, record.identity, checkpoints.root)
        found = _problems_over_ranks(checkpoints / tag, record)
        if not found:
            return record
        _pass_over(found[0])
    return None


def read(checkpoints: Folder, step: int) -> CheckpointRecord:
    """The record of the checkpoint after `step` steps.

    Raises:
        DamagedError: it is missing or damaged, or one of its files is.
    """
    folder = checkpoints / name(step)
    record = read_record(folder, MARK, CheckpointRecord)
    if found := _problems_over_ranks(folder, record):
        raise DamagedError(f"{found[0]}. The best weights are lost: delete the folder above to train again")
    return record


def _pass_over(problem: str) -> None:
    if dist.get_rank() == 0:
        print(f"{problem}. An older checkpoint is used, or training begins again.", file=sys.stderr)


def _problems_over_ranks(folder: Folder, record: CheckpointRecord) -> list[str]:
    """What is wrong with a checkpoint's files, of which each rank reads its share."""
    mine = dict(list(record.files.items())[dist.get_rank() :: dist.get_world_size()])
    return _gathered(problems(folder, mine))


def _gathered(mine: list[Any]) -> list[Any]:
    parts: list[list[Any]] = [[]] * dist.get_world_size()
    dist.all_gather_object(parts, mine)
    return [item for part in parts for item in part]


def save(engine: Engine, checkpoints: Folder, progress: Progress, identity: Identity, stage: str, keep: int) -> None:
    """Write a checkpoint with all ranks; afterwards only the newest `keep` and the best one are left.

    Frozen weights (LoRA) are not in it: they are the student's own.

    Raises:
        UserError: the disk is full; the checkpoints before are whole.
    """
    tag, rank = name(progress.step), dist.get_rank()
    if rank == 0:
        remove(checkpoints, tag)
        checkpoints.filesystem.create_dir(checkpoints.root, recursive=True)
    dist.barrier()
    with _local(checkpoints) as folder:
        _write(engine, folder, tag)
        shared = folder == checkpoints.root
        mine = _digests(f"{folder}/{tag}", rank, dist.get_world_size()) if shared else _digests(f"{folder}/{tag}", 0, 1)
        if not shared:
            pyarrow.fs.copy_files(
                f"{folder}/{tag}", checkpoints.join(tag), destination_filesystem=checkpoints.filesystem
            )
    files = dict(sorted(_gathered(list(mine.items()))))
    if rank == 0:
        record = CheckpointRecord(progress, identity, dist.get_world_size(), stage, files)
        write_record(checkpoints / tag, MARK, record)
        best = name(progress.best.step) if progress.best else None
        for old in finished(checkpoints)[:-keep]:
            if old != best:
                remove(checkpoints, old)
    dist.barrier()


def _write(engine: Engine, folder: str, tag: str) -> None:
    """DeepSpeed's part of saving. Other ranks may wait in its barriers when this one fails, so it must not answer."""
    try:
        engine.save_checkpoint(folder, tag=tag, save_latest=False, exclude_frozen_parameters=True)
    except (OSError, RuntimeError) as error:
        if getattr(error, "errno", None) != errno.ENOSPC and shutil.disk_usage(folder).free > 2**20:
            raise
        raise UserError(
            f"{folder}: the disk is full, checkpoint {tag} could not be written. The checkpoints before it are whole. "
            "Make room and run the same command again."
        ) from error


def _digests(folder: str, first: int, step: int) -> dict[str, FileDigest]:
    """Digests of every `step`-th file of a checkpoint, from the `first` on."""
    paths = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return {os.path.relpath(path, folder): file_digest(path) for path in sorted(paths)[first::step]}


def load(engine: Engine, checkpoints: Folder, record: CheckpointRecord) -> None:
    """Bring a checkpoint's model and optimizer back, also one that was split over another number of ranks."""
    tag = name(record.progress.step)
    with _local(checkpoints) as folder:
        if folder != checkpoints.root:
            pyarrow.fs.copy_files(checkpoints.join(tag), f"{folder}/{tag}", source_filesystem=checkpoints.filesystem)
        if record.stage == "zero0" or record.ranks == dist.get_world_size():
            engine.load_checkpoint(folder, tag=tag, load_module_strict=False, load_lr_scheduler_states=False)
        else:
            # Each machine needs the whole on its disk; on a shared one they all use the same.
            universal.load(engine, folder, tag, converts=folder != checkpoints.root or dist.get_rank() == 0)
        dist.barrier()


@contextmanager
def _local(checkpoints: Folder) -> Iterator[str]:
    """The folder itself where it is on a file system of this machine, else a temporary one."""
    if isinstance(checkpoints.filesystem, pyarrow.fs.LocalFileSystem):
        yield checkpoints.root
        return
    with tempfile.TemporaryDirectory(prefix="polydistill-") as folder:
        yield folder


def remove(checkpoints: Folder, tag: str) -> None:
    """Delete a checkpoint, its mark first, so that what is left of a broken deletion is no checkpoint."""
    place = checkpoints / tag
    if place.exists(MARK):
        place.filesystem.delete_file(place.join(MARK))
    if place.names(recursive=True):
        place.filesystem.delete_dir(place.root)
