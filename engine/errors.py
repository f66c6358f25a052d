"""The one error that is meant for the user's eyes."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """Something the user can put right: the message says what, where (file, row, field) and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class DamagedError(UserError):
    """A file of ours is missing, cut, altered or of another format; the message names it and the way out."""


@contextmanager
def mended_by(way_out: str) -> Iterator[None]:
    """Add the way out to what is found damaged inside.

    Args:
        way_out: one sentence, e.g. "Run `polydistill mix` again: it makes the mixture anew."
    """
    try:
        yield
    except DamagedError as error:
        raise DamagedError(f"{str(error).rstrip('.')}. {way_out}") from error
