"""Compiled loops over the UTF-8 bytes of many texts: see `engine.textprofile` for what the numbers mean.

Compiled by numba at first use and kept on disk, about six seconds once; after that a text takes about a microsecond.
Arrays are written in place, one row for each text.
"""
# mypy: disable-error-code="no-untyped-def"

import numba
import numpy as np

# Classes of characters.
OTHER, SPACE, LETTER, DIGIT, STOP, WIDE_STOP, PUNCTUATION, CODE, GARBAGE = range(9)
# Columns of `counts`.
CHARS, LETTERS, IN_SCRIPT, STOPS, BRACKETS, LONGEST, BAD, SYMBOLS, MARKS, TAGS = range(10)
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
def _tag(data, start, end):
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
def count(data, offsets, wanted, kind, script, bracket, script_weight, counts, weight, literal):
    """Count characters by class into `counts` (n, 10), weigh them, and hash all but spaces into `literal`."""
    unmatched = np.zeros(4, np.int32)
    for row in range(len(offsets) - 1):
        count = counts[row]
        unmatched[:] = 0
        content, stopped = False, False  # anything since the last sentence end; a "." waits for a space
        total = np.float32(0)
        text = SEED
        i, end = offsets[row], offsets[row + 1]
        while i < end:
            if data[i] == 60 and _tag(data, i, end) > 0:
                count[TAGS] += 1
                i = _tag(data, i, end)
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
                count[IN_SCRIPT] += wanted[s]
            if k in (LETTER, DIGIT):
                content, stopped = True, False
            stopped |= k == STOP
            if k == WIDE_STOP and content:
                count[STOPS] += 1
                content = False
            count[MARKS] += k in (STOP, WIDE_STOP, PUNCTUATION)
            listed = point == 59 and i + 1 < end and data[i] == 32 and data[i + 1] > 32  # "a; b" is a list
            count[SYMBOLS] += k == CODE and not listed
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
            if i < end and data[i] == 60 and _tag(data, i, end) > 0:
                i = _tag(data, i, end)
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
def _ends_before_space(point):
    """Whether a sentence ends with this character where a space follows: . ! ? … ।"""
    return point == 46 or point == 33 or point == 63 or point == 0x2026 or point == 0x964


@numba.njit(cache=True, nogil=True)
def _ends_alone(point):
    """Whether a sentence ends with this character whatever follows: 。！？"""
    return point == 0x3002 or point == 0xFF01 or point == 0xFF1F


@numba.njit(cache=True, nogil=True)
def parts(data, offsets, kind, lower, least, out, owner, length, capitals):
    """Cut every text into parts for language ID (`engine.languageid.parts`), one after the other, a line each in `out`.

    Notes whose a part is, how many characters it has and whether they are capitals only; blanks line breaks and tags in
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
        if data[i] == 60 and _tag(data, i, end) > 0:
            data[i : _tag(data, i, end)] = 32
        point, step = decode(data, i)
        sentences += (stopped and point == 32) or _ends_alone(point)
        stopped = _ends_before_space(point)
        chars += 1
        i += step
    if i < end:
        data[i] = 32
    return i, chars > limit * sentences


@numba.njit(cache=True, nogil=True)
def summarise(words, word_ends, numbers, number_ends, digest, loop):
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
    """Place of a key in an open hash table (a power of two long): its own, or the free one where it would go."""
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
