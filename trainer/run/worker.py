"""What every rank does under Ray Train, and which of its errors are worth another start."""

import errno
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.records import Identity

TRACEBACK = "failure.txt"
PASSING = ("NCCL", "gloo", "Connection", "connection", "Broken pipe", "Timed out", "timed out", "CUDA error")
"""Words of errors that another start may not meet: a lost rank, the network, a device."""


@dataclass(frozen=True)
class Job:
    """One training, as it travels to the ranks."""

    mixture: str
    student: Student
    train: Train
    out: str
    identity: Identity
    launch: str  # tells this start's note from an earlier one's


def work(config: Mapping[str, Job]) -> dict[str, str]:
    """Train as one rank. Ray Train hands `config` over, {"job": Job}, and takes JSON back: {"model": folder},
    {"error": message} or {"stopped": ""}.

    An error that would come again is an answer, not a failure, for which Ray would start the ranks again and again.
    Where only one rank met it, the others are waiting: that rank leaves a note and fails, and when Ray has started
    all ranks anew, they find the note.
    """
    import torch
    import torch.distributed as dist

    from polydistill.trainer.distributed.ranks import AgreedError
    from polydistill.trainer.run import rank

    job = config["job"]
    place, note = Folder.of(job.out), note_name(job.launch)
    if place.exists(note):
        return {"error": place.read(note).decode()}
    try:
        model = rank.run(job.mixture, job.student, job.train, job.out, job.identity)
        return {"model": model} if model else {"stopped": ""}
    except AgreedError as error:
        return {"error": str(error)}
    except Exception as error:
        if may_pass(error):
            raise
        message = str(error) if isinstance(error, UserError) else _unexpected(error, place)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = _disk_full(job.out)
        if isinstance(error, torch.OutOfMemoryError):
            message = _out_of_memory(job.student, job.train, str(error))
        if not dist.is_initialized() or dist.get_world_size() == 1:
            return {"error": message}
        with suppress(OSError):  # a full disk takes no note either
            place.write(note, message.encode())
        raise


def note_name(launch: str) -> str:
    """Name of the file that tells the other ranks of an error."""
    return f"failure-{launch}.txt"


def may_pass(error: Exception) -> bool:
    """Whether another start may not meet this error."""
    import torch

    if isinstance(error, UserError | torch.OutOfMemoryError):
        return False
    return isinstance(error, OSError | RuntimeError) and any(word in str(error) for word in PASSING)


def _unexpected(error: Exception, place: Folder) -> str:
    """A sentence for the user; whoever mends it finds the traceback in a file."""
    with suppress(OSError):
        place.write(TRACEBACK, "".join(traceback.format_exception(error)).encode())
    first = (str(error).splitlines() or [""])[0]
    return f"training failed: {type(error).__name__}: {first} (the whole traceback is in {place.join(TRACEBACK)})"


def _disk_full(out: str) -> str:
    return f"{out}: the disk is full. What is whole stays. Make room and run the same command again."


def _out_of_memory(student: Student, settings: Train, text: str) -> str:
    import torch

    from polydistill.trainer.run import memory

    shape = memory.shape_of(student.model, settings, student.trust_remote_code)
    need = memory.estimate(shape, settings, settings.workers, half=settings.precision != "fp32")
    there = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None
    return f"out of memory: {memory.explain(need, there)} ({text.splitlines()[0]})"
