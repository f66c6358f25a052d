"""The one error that is meant for the user's eyes, and what it quotes of others."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """Something the user can put right: the message says what, where (file, row, field) and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class DamagedError(UserError):
    """A file of ours is missing, cut, altered or of another format; the message names it and the way out."""


def one_line(error: Exception) -> str:
    """What an error of a library says, in one line of at most 300 characters. Its class where it says nothing."""
    return " ".join(str(error).split())[:300] or type(error).__name__


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
