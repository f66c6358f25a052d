"""Compiled loops over the UTF-8 bytes of many texts that cut them into parts for language ID: see
`engine.judging.languages.language_id`.

Compiled by numba at first use and kept on disk.
"""
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

from polydistill.engine.text.kernels.profile import GARBAGE, LETTER, SPACE, decode, tag_end


@numba.njit(cache=True, nogil=True)
def _ends_before_space(point):
    """Whether a sentence ends with this character where a space follows: . ! ? … ।"""
    return point == 46 or point == 33 or point == 63 or point == 0x2026 or point == 0x964


@numba.njit(cache=True, nogil=True)
def _ends_alone(point):
    """Whether a sentence ends with this character whatever follows: 。！？"""
    return point == 0x3002 or point == 0xFF01 or point == 0xFF1F


@numba.njit(cache=True, nogil=True)
def parts(data, offsets, kind, lower, least, out, owner, length, capitals):
    """Cut every text into parts for language ID (`engine.judging.languages.language_id.parts`), one after the other,
    a line
    each in `out`.

    Fills the owner, length and capitals flag of each part. Replaces line breaks and tags by spaces in
    `data`. Returns the number of parts and of bytes.
    """
    used, size = 0, 0
    for row in range(len(offsets) - 1):
        first = used
        i, end = offsets[row], offsets[row + 1]
        start, chars = i, 0  # of the part that is being read
        line, endless = i - 1, False  # where the line ends, and whether it has too few sentence ends to go by
        space, small = -1, -1  # the last space at which an endless line may be cut; the first letter that is no capital
        stopped = False
        while i < end:
            if i > line:
                line, endless = _read_line(data, i, end, 3 * least)
            point, step = decode(data, i)
            k = kind[point] if point < len(kind) else np.uint8(GARBAGE)
            wide = _ends_alone(point)
            if k == SPACE and chars == 0:
                start = i + step
            else:
                chars += 1
            if k == LETTER and small < 0 and lower[point] == point:
                small = i
            cut = -1
            if i == line and chars > 3 * least // 4:  # short lines (items of a list) are taken together
                cut = i
            elif (k == SPACE and stopped and chars > least) or (wide and chars >= least):
                cut = i if k == SPACE else i + step
            elif endless and k == SPACE and least < chars <= 2 * least + 1:
                space = i
            elif endless and chars > 2 * least and space > 0:
                cut = space
            i += step
            stopped = _ends_before_space(point)
            if cut >= 0:
                if cut == space:  # go back and read on from there
                    for j in range(cut, i):
                        chars -= (data[j] & 0xC0) != 0x80
                    i = cut
                else:
                    chars -= k == SPACE
                size = _write_line(out, size, data, start, cut)
                owner[used], length[used], capitals[used] = row, chars, small < 0 or small >= cut
                used += 1
                start, chars, space, small = i, 0, -1, -1
        if chars > 0 and used > first and chars < least // 2:
            out[size - 1] = 32
            size = _write_line(out, size, data, start, end)
            length[used - 1] += chars
            capitals[used - 1] &= small < 0
        elif chars > 0:
            size = _write_line(out, size, data, start, end)
            owner[used], length[used], capitals[used] = row, chars, small < 0
            used += 1
    return used, size


@numba.njit(cache=True, nogil=True)
def _write_line(out, size, data, start, end):
    """Write data[start:end] and a line break behind the `size` bytes of `out`; how many there are then."""
    for j in range(start, end):
        out[size] = data[j] if data[j] != 13 else 32
        size += 1
    out[size] = 10
    return size + 1


@numba.njit(cache=True, nogil=True)
def _read_line(data, i, end, limit):
    """Where the line at byte i ends, and whether its sentences have over `limit` characters; blanks tags and end."""
    chars, sentences = 0, 1
    stopped = False
    while i < end and data[i] != 10:
        if data[i] == 60 and tag_end(data, i, end) > 0:
            data[i : tag_end(data, i, end)] = 32
        point, step = decode(data, i)
        sentences += (stopped and point == 32) or _ends_alone(point)
        stopped = _ends_before_space(point)
        chars += 1
        i += step
    if i < end:
        data[i] = 32
    return i, chars > limit * sentences
