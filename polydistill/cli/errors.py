"""Errors as people want them: one sentence that says what to do, and an exit code, in place of a traceback."""

import errno
import gzip
import json
import zlib

from polydistill.engine.errors import UserError

AGAIN = "What is done stays: run the same command again to continue."

_ADVICE = {
    errno.ENOSPC: f"The disk is full. {AGAIN}",
    errno.EDQUOT: f"Your quota is used up. {AGAIN}",
    errno.EROFS: "This file system is read-only. Choose another folder.",
    errno.EACCES: "You have no permission. Choose another folder, or change the permissions.",
    errno.EPERM: "This is not permitted. Choose another folder, or change the permissions.",
    errno.ENOENT: "Check the path.",
    errno.ENOTDIR: "A part of this path is a file, not a folder.",
    errno.EISDIR: "This is a folder, and a file is expected.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "Too many open files. Raise the limit with `ulimit -n`.",
}


def cause(error: BaseException) -> BaseException:
    """The error itself where Ray, a thread or a process pool has wrapped it."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        wrapped = getattr(error, "cause", None)  # ray.exceptions.RayTaskError
        if isinstance(wrapped, BaseException):
            error = wrapped
        elif type(error).__module__.startswith("ray.") and isinstance(error.__cause__, BaseException):
            error = error.__cause__
    return error


def sentence(error: BaseException) -> str | None:
    """What to tell the user about an error that the user can put right. None for a defect of polydistill.

    Args:
        error: what was raised.
    """
    error = cause(error)
    if isinstance(error, UserError):
        return str(error)
    if type(error).__name__ == "SafetensorError":
        return f"a model's weights are cut or damaged ({_first_line(error)}). Fetch the model again."
    if isinstance(error, gzip.BadGzipFile | zlib.error | EOFError):
        return f"a compressed file is damaged ({error}). Fetch it again."
    if isinstance(error, UnicodeError):
        return f"a text is not valid UTF-8 ({error}). Convert the file."
    if isinstance(error, json.JSONDecodeError):
        return f"a file is not valid JSON ({error})."
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, MemoryError):
        return f"out of memory. {AGAIN} Lower work.unit_rows or the batch sizes."
    if isinstance(error, ValueError) or type(error).__module__.startswith(("pyarrow", "huggingface_hub", "ray.")):
        return _first_line(error)
    return None


def unexpected(error: BaseException) -> str:
    """What to tell the user about a defect."""
    error = cause(error)
    frame, where = error.__traceback__, ""
    while frame is not None:
        where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
        frame = frame.tb_next
    return (
        f"unexpected {type(error).__name__}: {_first_line(error)} ({where}). This is a defect of polydistill. "
        "Run the command with --debug to see the traceback, and please report it."
    )


def _system(error: OSError) -> str:
    text = error.strerror or _first_line(error)
    name = f"{error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno or 0, "")
    return f"{name}{text}. {advice}".strip()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
