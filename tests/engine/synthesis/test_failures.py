import errno

import pytest
import ray.exceptions

from polydistill.engine.errors import UserError
from polydistill.engine.synthesis.failures import plain


def wrapped(cause: Exception) -> ray.exceptions.RayTaskError:
    """What Ray makes of an error in a worker."""
    return ray.exceptions.RayTaskError("stage", f"Traceback ...\n{type(cause).__name__}: {cause}", cause)


def test_the_users_error_comes_out_whole_however_deep_it_lies():
    message = "student.model: no such folder\n  give a path or a hub id"
    error = RuntimeError("the executor failed")
    error.__cause__ = wrapped(wrapped(UserError(message)))
    assert str(plain(error)) == message


def test_an_actor_that_dies_in_its_constructor_leaves_the_text_only():
    text = (
        "The actor died because of an error raised in its creation task, ray::Stage.__init__() (pid=1)\n"
        '  File "x.py", line 1, in __init__\n    raise UserError(message)\n'
        "polydistill.engine.errors.UserError: judge.quality.model: no checkpoint here\nlooked in a, b"
    )
    found = plain(ray.exceptions.RayError(text))
    assert isinstance(found, UserError)
    assert str(found) == "judge.quality.model: no checkpoint here\nlooked in a, b"


def test_an_engine_that_cannot_be_started_is_told_by_its_own_error():
    text = (
        "The actor died because of an error raised in its creation task, \x1b[36mray::MapWorker.__init__()\x1b[39m\n"
        '  File "x.py", line 1, in __init__\n    raise RuntimeError(text)\n'
        "RuntimeError: Engine core initialization failed. See root cause above."
    )
    found = plain(ray.exceptions.RayError(text))
    assert isinstance(found, UserError)
    assert str(found).startswith("a model could not be loaded (RuntimeError: Engine core initialization failed.")
    assert "logs/output.log" in str(found)


def test_a_full_disk_says_how_to_go_on():
    error = wrapped(OSError(errno.ENOSPC, "No space left on device", "/data/pool/x.arrow"))
    assert str(plain(error)) == (
        "[Errno 28] No space left on device: '/data/pool/x.arrow'. What is done stays. Run again to go on."
    )


@pytest.mark.parametrize("error", [ValueError("a bug"), wrapped(ZeroDivisionError("a bug"))])
def test_a_bug_stays_what_it_is(error):
    assert plain(error) is error


def test_an_interrupt_wins():
    error = RuntimeError("stopping failed")
    error.__context__ = KeyboardInterrupt()
    assert isinstance(plain(error), KeyboardInterrupt)
