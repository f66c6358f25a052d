"""Names from data that become file names: a recipe's, a shard's, a relation's. A name is never a path.

Recipes, manifests and data sets are passed on between people, so what they name must not lead out of their folder.
"""

import re

from polydistill.engine.errors import UserError

_NAME = re.compile(r"[\w-][\w. -]*")
_LONGEST = 200  # file systems allow 255 bytes, and suffixes follow


def file_name(text: str, what: str) -> str:
    """Return `text` where it can stand as a file's name.

    Args:
        text: letters, digits, `_`, `-`, `.` and spaces; it begins with none of the last two.
        what: what the name is of, for the message, e.g. "recipe".

    Raises:
        UserError: another character, an empty name, or one above 200 bytes.
    """
    if not _NAME.fullmatch(text) or len(text.encode()) > _LONGEST:
        raise UserError(
            f"{what}: {text[:60]!r} cannot be a file's name. Use letters, digits, '-', '_' and '.', and begin with a "
            f"letter or digit (at most {_LONGEST} bytes)."
        )
    return text


def inside(path: str, what: str) -> str:
    """Return `path` where it is relative and each of its parts is a `file_name`, so that it stays in its folder.

    Raises:
        UserError: an absolute path, `..`, or a part that is no file name.
    """
    for part in path.split("/"):
        file_name(part, what)
    return path
