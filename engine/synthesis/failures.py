"""The error that a user should see behind the one that Ray raises."""

import re
from collections.abc import Iterator

from polydistill.engine.errors import UserError

_LAST = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception): .+)$", re.MULTILINE)
"""The line of a traceback that names the error."""


def plain(error: BaseException) -> BaseException:
    """The Ctrl-C, UserError or OSError behind `error`, else `error` itself.

    Ray wraps what a worker raises (`RayTaskError.cause`), sometimes several times, and chains the executor's own errors
    to it. An OSError becomes a UserError with advice: a full disk is nothing that a traceback explains.
    """
    behind = list(_behind(error))
    for kind in (KeyboardInterrupt, UserError):
        for found in behind:
            if isinstance(found, kind):
                return found
    # Where an actor dies in its constructor, Ray keeps the text only. It ends with the error's message.
    parts = re.split(r"(?:^|\n)\s*(?:\w+\.)*(?:UserError|DamagedError): ", str(error))
    if len(parts) > 1:
        return UserError(parts[-1].strip())
    for found in behind:
        if isinstance(found, OSError) and found.errno is not None:
            return UserError(f"{found}. What is done stays. Run again to go on.")
    system = re.findall(r"\w*Error: (\[Errno \d+\] .+)", str(error))  # where only its text came through
    if system:
        return UserError(f"{system[-1]}. What is done stays. Run again to go on.")
    if "raised in its creation task" in str(error) and (named := _LAST.findall(str(error))):
        return UserError(
            f"a model could not be loaded ({named[-1]}). The cause stands in logs/output.log of the run's folder"
        )
    return error


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was made of, outermost first."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop(0)
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        cause = getattr(found, "cause", None)  # Ray's
        if isinstance(cause, BaseException):
            waiting.append(cause)
        yield found
        waiting += [found.__cause__, found.__context__]
