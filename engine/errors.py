"""The one error that is meant for the user's eyes."""


class UserError(ValueError):
    """Something the user can put right: the message says what, where (file, row, field) and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class DamagedError(UserError):
    """A file of ours is missing, cut, altered or of another format; the message names it and the way out."""
