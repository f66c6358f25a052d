"""Compiled tests of whether a sign stands as it does in code, or as prose, Markdown and money use it."""
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def _is_word(byte):
    """Whether an ASCII byte is a letter, a digit or part of a longer character."""
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte > 127


@numba.njit(cache=True, nogil=True)
def is_code(data, i, start, end):
    """Whether the sign at byte i stands as it does in code, and not as prose, Markdown and money use it."""
    byte = data[i]
    before = data[i - 1] if i > start else np.uint8(10)
    after = data[i + 1] if i + 1 < end else np.uint8(10)
    if byte == before and byte != 47 and byte != 91 and byte != 93 and byte != 123 and byte != 125:
        return False  # a run counts once: ==, ____, ****
    if byte == 59:  # "a; b" is a list
        return not (after == 32 and i + 2 < end and data[i + 2] > 32)
    if byte == 42:  # emphasis and bullets; code has a blank on both sides
        inside = before == 32 and after == 32 and i >= start + 2 and i + 2 < end
        return inside and (_is_word(data[i - 2]) or data[i - 2] == 41) and (_is_word(data[i + 2]) or data[i + 2] == 40)
    if byte == 95:  # blanks to fill in, emphasis; code has snake_case
        return _is_word(before) and _is_word(after)
    if byte == 35 or byte == 62 or byte == 126:  # headings, quotations, struck-out text
        return not _first_of_line(data, i, start) or after > 64
    if byte == 124:  # table bars
        return after == 124
    if byte == 47:  # and/or; code has comments, end tags and addresses
        return before == 47 or after == 47 or before == 60 or before == 42 or after == 42
    if byte == 36:  # money
        return not 48 <= after <= 57
    return True


@numba.njit(cache=True, nogil=True)
def _first_of_line(data, i, start):
    """Whether nothing but blanks and signs of the same kind stand before byte i in its line."""
    j = i - 1
    while j >= start and data[j] != 10:
        if data[j] != 32 and data[j] != 9 and data[j] != data[i]:
            return False
        j -= 1
    return True
