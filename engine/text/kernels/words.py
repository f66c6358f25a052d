"""Compiled loops over the UTF-8 bytes of many texts, for code-switching: see `engine.text.words` and
`engine.mixing.switching.codeswitch`.

Compiled by numba at first use and kept on disk. Positions are bytes into the texts laid end to end; arrays named in
a docstring's last sentence are written in place.
"""
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

from polydistill.engine.text.kernels.profile import PRIME, SEED, decode, slot

# What a character is: bits of `flags`, one byte per code point; its last entry stands for all beyond.
LETTER, JOINER, CAPITAL, CASED, SPACED = 1, 2, 4, 8, 16
# What a hash stands for in a table: one table holds all three.
WORD, PHRASE, BEGINNING = np.uint64(0), np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)


@numba.njit(cache=True, nogil=True)
def cut(data, offsets, flags, start, end, row):
    """Find the words: runs of letters, and runs that single joiners connect. Fills start, end, row; how many."""
    found = 0
    for r in range(len(offsets) - 1):
        i, stop = offsets[r], offsets[r + 1]
        first, last, joined = -1, -1, False  # of the open word; `joined`: a joiner stands behind its last letter
        while i <= stop:
            point, step = decode(data, i) if i < stop else (np.uint32(32), 1)  # a space behind the end closes the last
            kind = flags[min(point, len(flags) - 1)]
            i += step
            if kind & LETTER:
                first = i - step if first < 0 else first
                last, joined = i, False
            elif first >= 0 and kind & JOINER and not joined:
                joined = True
            elif first >= 0:
                start[found], end[found], row[found] = first, last, r
                found += 1
                first, joined = -1, False
    return found


@numba.njit(cache=True, nogil=True)
def _hash(data, start, end, lower, value):
    """Hash of a stretch of text, in lower case, going on from `value`."""
    while start < end:
        point, step = decode(data, start)
        value = (value ^ np.uint64(lower[point] if point < len(lower) else point)) * PRIME
        start += step
    return value


@numba.njit(cache=True, nogil=True)
def enter(data, start, end, first, last, same, lower, keys, values):
    """Put dictionary entries into a table; of two that are equal in it the first wins.

    Entry e consists of the words first[e]..last[e]. Words are entered as they are, phrases in lower case, and the word
    that begins a phrase with the largest number of words of such. Fills keys, values.
    """
    for e in range(len(first)):
        a, b = first[e], last[e]
        if a == b:
            key = _hash(data, start[a], end[a], same, SEED) ^ WORD
        else:
            key = _hash(data, start[a], end[b], lower, SEED) ^ PHRASE
        at = slot(keys, key)
        if keys[at] == 0:
            keys[at], values[at] = key, e
        if a < b:
            key = _hash(data, start[a], end[a], lower, SEED) ^ BEGINNING
            at = slot(keys, key)
            keys[at], values[at] = key, max(values[at], b - a + 1)


@numba.njit(cache=True, nogil=True)
def find(data, start, end, piece, flags, same, lower, keys, values, word, stop, entry, capital):
    """Find what the table covers, from left to right, the longest phrase first.

    Fills word (the first one), stop (where it ends), entry and capital (whether it began with one); how many.
    """
    found, i = 0, 0
    while i < len(start):
        folded = _hash(data, start[i], end[i], lower, SEED)
        last, best = i, -1
        at = slot(keys, folded ^ BEGINNING)
        if keys[at] != 0:
            value = folded
            for j in range(i + 1, min(i + values[at], len(start))):
                if piece[j] != piece[i]:
                    break
                value = _hash(data, end[j - 1], end[j], lower, value)
                place = slot(keys, value ^ PHRASE)
                if keys[place] != 0:
                    last, best = j, values[place]
        if best < 0:
            at = slot(keys, _hash(data, start[i], end[i], same, SEED) ^ WORD)
            best = values[at] if keys[at] != 0 else -1
            large = best < 0 and _capitalized(data, start[i], end[i], flags)
            if large:
                at = slot(keys, folded ^ WORD)
                best = values[at] if keys[at] != 0 else -1
        else:
            large = _capitalized(data, start[i], end[i], flags)
        if best >= 0:
            word[found], stop[found], entry[found], capital[found] = i, end[last], best, large
            found += 1
        i = last + 1
    return found


@numba.njit(cache=True, nogil=True)
def _capitalized(data, start, end, flags):
    """Whether a word begins with a capital and is no acronym, which has nothing but capitals."""
    point, step = decode(data, start)
    if not flags[min(point, len(flags) - 1)] & CAPITAL:
        return False
    start += step
    alone = start >= end
    while start < end:
        point, step = decode(data, start)
        if flags[min(point, len(flags) - 1)] & CASED:
            return True
        start += step
    return alone


@numba.njit(cache=True, nogil=True)
def splice(data, offsets, rows, owner, start, stop, new, new_offsets, pick, flags, apart, out, ends):
    """Texts `rows` with bytes start..stop replaced by the texts `pick` of `new`; both lists in the texts' order.

    `apart` puts a space where a new word would run into a neighbor of a spaced script ("Germanycapital"). Fills out,
    ends.
    """
    k, used = 0, 0
    for index in range(len(rows)):
        r, begin = rows[index], used
        while k < len(owner) and owner[k] < r:
            k += 1
        at, fresh = offsets[r], False
        while k < len(owner) and owner[k] == r:
            used = _put(out, begin, used, data, at, start[k], flags, apart and fresh)
            used = _put(out, begin, used, new, new_offsets[pick[k]], new_offsets[pick[k] + 1], flags, apart)
            at, fresh = stop[k], True
            k += 1
        used = _put(out, begin, used, data, at, offsets[r + 1], flags, apart and fresh)
        ends[index] = used


@numba.njit(cache=True, nogil=True)
def _put(out, begin, used, data, start, end, flags, apart):
    """Append data[start:end] to the text that begins at `begin`; where it ends then."""
    if start >= end:
        return used
    if apart and used > begin:
        last = used - 1
        while out[last] & 0xC0 == 0x80:
            last -= 1
        left, right = decode(out, last)[0], decode(data, start)[0]
        if flags[min(left, len(flags) - 1)] & flags[min(right, len(flags) - 1)] & SPACED:
            out[used] = 32
            used += 1
    out[used : used + end - start] = data[start:end]
    return used + end - start
