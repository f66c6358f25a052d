"""Compiled loops over the UTF-8 bytes of many texts: see `engine.text.profile` for what the numbers mean.

Compiled by numba at first use and kept on disk, about six seconds once; after that a text takes about a microsecond.
Arrays are written in place, one row for each text.
"""
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

from polydistill.engine.text.kernels.signs import is_code

# Classes of characters.
OTHER, SPACE, LETTER, DIGIT, STOP, WIDE_STOP, PUNCTUATION, CODE, GARBAGE = range(9)
# Columns of `counts`.
CHARS, LETTERS, IN_SCRIPT, STOPS, BRACKETS, LONGEST, BAD, SYMBOLS, MARKS, TAGS = range(10)
OWN_FORM, OTHER_FORM, FOREIGN = range(10, 13)
# FNV-1a hash.
SEED, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


@numba.njit(cache=True, nogil=True)
def decode(data, i):
    """Code point at byte i and its length."""
    b = np.uint32(data[i])
    if b < 0x80:
        return b, 1
    if b < 0xE0:
        return ((b & 0x1F) << 6) | (data[i + 1] & 0x3F), 2
    if b < 0xF0:
        return ((b & 0x0F) << 12) | (np.uint32(data[i + 1] & 0x3F) << 6) | (data[i + 2] & 0x3F), 3
    return (
        ((b & 0x07) << 18)
        | (np.uint32(data[i + 1] & 0x3F) << 12)
        | (np.uint32(data[i + 2] & 0x3F) << 6)
        | (data[i + 3] & 0x3F)
    ), 4


@numba.njit(cache=True, nogil=True)
def tag_end(data, start, end):
    """Where the HTML-like tag that opens at `start` ends, 0 where it is none: "<" and a letter, "/" or "!"."""
    if start + 2 >= end:
        return 0
    first = data[start + 1]
    if not (65 <= first <= 90 or 97 <= first <= 122 or first == 47 or first == 33):
        return 0
    for i in range(start + 2, min(end, start + 300)):
        if data[i] == 62:  # ">"
            return i + 1
        if data[i] == 60:
            return 0
    return 0


@numba.njit(cache=True, nogil=True)
def letters(data, offsets, kind, script, counts):
    """Count the letters of every text by script into `counts` (n, scripts); tags are left out."""
    for row in range(len(offsets) - 1):
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            if data[i] == 60 and tag_end(data, i, end) > 0:
                i = tag_end(data, i, end)
                continue
            point, step = decode(data, i)
            i += step
            if point < len(kind) and kind[point] == LETTER:
                counts[row, script[point]] += 1


@numba.njit(cache=True, nogil=True)
def count(data, offsets, groups, kind, script, bracket, script_weight, counts, weight, literal):
    """Count characters by class into `counts` (n, 13), weigh them, and hash all but spaces into `literal`."""
    unmatched = np.zeros(4, np.int32)
    for row in range(len(offsets) - 1):
        count = counts[row]
        unmatched[:] = 0
        content, stopped = False, False  # anything since the last sentence end; a "." waits for a space
        total = np.float32(0)
        text = SEED
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            if data[i] == 60 and tag_end(data, i, end) > 0:
                count[TAGS] += 1
                i = tag_end(data, i, end)
                continue
            point, step = decode(data, i)
            i += step
            k, s = (kind[point], script[point]) if point < len(kind) else (np.uint8(GARBAGE), np.uint8(0))
            if k == SPACE:
                if content and (stopped or point == 10):
                    count[STOPS] += 1
                    content = False
                stopped = False
            else:
                count[CHARS] += 1
                text = (text ^ np.uint64(point)) * PRIME
                total += script_weight[s]
            if k == LETTER:
                count[LETTERS] += 1
                count[groups[s]] += 1
            if k in (LETTER, DIGIT):
                content, stopped = True, False
            stopped |= k == STOP
            if k == WIDE_STOP and content:
                count[STOPS] += 1
                content = False
            count[MARKS] += k in (STOP, WIDE_STOP, PUNCTUATION)
            if k == CODE:
                count[SYMBOLS] += point > 127 or is_code(data, i - 1, offsets[row], end)
            count[BAD] += k == GARBAGE
            if point < len(bracket) and bracket[point] != 0:
                unmatched[abs(bracket[point])] += 1 if bracket[point] > 0 else -1
        count[STOPS] += content
        count[BRACKETS] = np.abs(unmatched).sum()
        weight[row], literal[row] = total, text


@numba.njit(cache=True, nogil=True)
def split(data, offsets, kind, script, lower, digit, spaceless, longest, words, word_ends, numbers, number_ends):
    """Hash the words and numbers of every text, one after the other, and note where each text's end."""
    used, found = 0, 0
    for row in range(len(offsets) - 1):
        word, letters = SEED, 0
        number, in_number = SEED, False
        i, end = offsets[row], offsets[row + 1]
        while i <= end:
            if i < end and data[i] == 60 and tag_end(data, i, end) > 0:
                i = tag_end(data, i, end)
                continue
            point, step = decode(data, i) if i < end else (np.uint32(32), 1)  # a space behind the end closes the last
            i += step
            k = kind[point] if point < len(kind) else np.uint8(GARBAGE)
            alone = k == LETTER and spaceless[script[point]]
            if k == DIGIT:
                number = (number ^ np.uint64(digit[point] + 1)) * PRIME
                in_number = True
            elif in_number:
                numbers[found] = number
                found += 1
                number, in_number = SEED, False
            if k in (LETTER, DIGIT) and not alone:
                word = (word ^ np.uint64(lower[point])) * PRIME
                letters += k == LETTER
                continue
            if letters > 0:
                words[used] = word
                used += 1
                longest[row] = max(longest[row], letters)
            word, letters = SEED, 0
            if alone:
                words[used] = (SEED ^ np.uint64(point)) * PRIME
                used += 1
        word_ends[row + 1], number_ends[row + 1] = used, found


@numba.njit(cache=True, nogil=True)
def summarize(words, word_ends, numbers, number_ends, digest, loop):
    """One hash for the whole text, and the share of its words inside the longest loop."""
    for row in range(len(digest)):
        h = SEED
        for j in range(word_ends[row], word_ends[row + 1]):
            h = (h ^ words[j]) * PRIME
        for j in range(number_ends[row], number_ends[row + 1]):
            h = (h ^ numbers[j]) * PRIME
        digest[row] = h
        loop[row] = _longest_loop(words, word_ends[row], word_ends[row + 1])


@numba.njit(cache=True, nogil=True)
def _longest_loop(words, start, end):
    """Share of words[start:end] inside the longest stretch that repeats one sequence three times or more."""
    n = end - start
    best = 0
    for period in range(1, min(n // 3, 64) + 1):
        # Three repeats span 2 * period equal positions, so they cover a multiple of it: look only there.
        probe = start + 2 * period
        while probe < end:
            last = probe
            if words[probe] == words[probe - period]:
                first = probe
                while first - 1 >= start + period and words[first - 1] == words[first - 1 - period]:
                    first -= 1
                while last + 1 < end and words[last + 1] == words[last + 1 - period]:
                    last += 1
                if last - first + 1 >= 2 * period:
                    best = max(best, last - first + 1 + period)
            probe = (last - start) // (2 * period) * (2 * period) + start + 2 * period
    return np.float32(best / n) if n > 0 else np.float32(0)


@numba.njit(cache=True, nogil=True)
def slot(keys, key):
    """Folder of a key in an open hash table (a power of two long): its own, or the free one where it would go."""
    mask = np.uint64(len(keys) - 1)
    place = (key ^ (key >> np.uint64(29))) & mask
    while keys[place] != 0 and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return place


@numba.njit(cache=True, nogil=True)
def overlaps(words, word_ends, numbers, number_ends, sources, hypotheses, copied, unmatched):
    """Words and numbers that two texts of a pair share."""
    table = np.zeros(1024, np.uint64)
    for row in range(len(sources)):
        s, h = sources[row], hypotheses[row]
        source, hypothesis = words[word_ends[s] : word_ends[s + 1]], words[word_ends[h] : word_ends[h + 1]]
        if len(hypothesis) == 0:
            copied[row] = np.nan
        else:
            size = 16
            while size < 2 * len(source) + 2:
                size *= 2
            if size > len(table):
                table = np.zeros(size, np.uint64)
            keys = table[:size]
            keys[:] = 0
            for word in source:
                keys[slot(keys, word)] = word
            hits = 0
            for word in hypothesis:
                hits += keys[slot(keys, word)] == word
            copied[row] = hits / len(hypothesis)
        left, right = numbers[number_ends[s] : number_ends[s + 1]], numbers[number_ends[h] : number_ends[h + 1]]
        unmatched[row] = _unmatched(left, right)


@numba.njit(cache=True, nogil=True)
def _unmatched(left, right):
    """Share of two multisets' members without a partner in the other."""
    if len(left) + len(right) == 0:
        return np.float32(0)
    x, y = np.sort(left), np.sort(right)
    i = j = same = 0
    while i < len(x) and j < len(y):
        if x[i] == y[j]:
            same += 1
            i += 1
            j += 1
        elif x[i] < y[j]:
            i += 1
        else:
            j += 1
    return np.float32(1 - 2 * same / (len(x) + len(y)))
