"""Packing: samples of different lengths into packs of at most `limit` tokens, without cutting any.

Best-fit decreasing: longest sample first, each into the fullest pack that still has room. Lengths are small
integers, so the samples are sorted by counting, and packs stand in lists by the room they have left; a bitmap
over the rooms finds the smallest one that fits. That is the exact rule in O(samples + limit) memory and about
O(samples) time.

The rule's last packs hold only the shortest samples, and gaps shorter than any of them stay open. So where those
gaps add up, the packs that are not full are taken apart and filled anew, each finished by a pair of samples that fits
exactly, and that is kept where it takes fewer packs.
"""

from dataclasses import dataclass

import numba
import numpy as np

FULL_ENOUGH = 0.999
"""Packs filled to this share are left as best-fit decreasing made them."""


@dataclass(frozen=True)
class Packs:
    """Pack p holds the samples `order[bounds[p]:bounds[p + 1]]`, longest first."""

    order: np.ndarray  # sample numbers, int64 of shape (samples,)
    bounds: np.ndarray  # int64 of shape (packs + 1,)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, pack: int) -> np.ndarray:
        return self.order[self.bounds[pack] : self.bounds[pack + 1]]


def pack(lengths: np.ndarray, limit: int, window: int = 1_000_000, seed: int = 0, epoch: int = 0) -> Packs:
    """Pack samples of `lengths` (tokens, 1..limit) into packs of at most `limit` tokens.

    Windows of `window` consecutive samples are packed on their own, so memory stays bounded whatever the data's
    size. Every epoch has the same number of packs with the same lengths. (seed, epoch) decides which of several samples
    of one length goes where.

    Raises:
        ValueError: a length outside 1..limit.
    """
    lengths = np.ascontiguousarray(lengths, dtype=np.int64)
    if len(lengths) and (lengths.min() < 1 or lengths.max() > limit):
        raise ValueError(f"lengths must be within 1..{limit}, found {lengths.min()}..{lengths.max()}")
    orders, bounds = [], [np.zeros(1, dtype=np.int64)]
    for start in range(0, len(lengths), window):
        part = lengths[start : start + window]
        shuffled = np.random.default_rng([seed, start, 0x7061636B]).permutation(len(part))
        order, ends = _best_fit(part[shuffled], limit)
        if part.sum() < FULL_ENOUGH * limit * len(ends):
            order, ends = _refilled(part[shuffled], limit, order, ends)
        order = shuffled[order]
        if epoch:
            draw = np.random.default_rng([seed, start, 0x7061636B, epoch])
            order = _exchanged(part, order, draw.permutation(len(part)))
        orders.append(order + start)
        bounds.append(ends + start)
    return Packs(np.concatenate(orders) if orders else np.zeros(0, dtype=np.int64), np.concatenate(bounds))


def fill(packs: Packs, lengths: np.ndarray, limit: int) -> float:
    """Share of the packs' room that is taken by tokens, 0..1."""
    return float(lengths[packs.order].sum()) / (len(packs) * limit) if len(packs) else 0.0


@numba.njit(cache=True)
def _best_fit(lengths: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample numbers pack by pack, and the end of each pack in them."""
    samples = len(lengths)
    descending = _sort_descending(lengths, limit)
    newest = np.full(limit + 1, -1, dtype=np.int64)  # by room left: the pack that got it last
    older = np.empty(samples, dtype=np.int64)  # by pack: the one before it in its list
    some = np.zeros(limit // 64 + 2, dtype=np.uint64)  # bit r: there are packs with room r
    pack_of = np.empty(samples, dtype=np.int64)
    count = np.zeros(samples + 1, dtype=np.int64)
    packs = 0
    for sample in descending:
        length = lengths[sample]
        room = _smallest_room(some, length, limit)
        if room < 0:
            pack, room = packs, limit
            packs += 1
        else:
            pack = newest[room]
            newest[room] = older[pack]
            if newest[room] < 0:
                some[room >> 6] &= ~(np.uint64(1) << np.uint64(room & 63))
        pack_of[sample] = pack
        count[pack] += 1
        left = room - length
        if left > 0:
            older[pack] = newest[left]
            newest[left] = pack
            some[left >> 6] |= np.uint64(1) << np.uint64(left & 63)
    ends = np.cumsum(count[:packs])
    place = ends - count[:packs]
    order = np.empty(samples, dtype=np.int64)
    for sample in descending:
        order[place[pack_of[sample]]] = sample
        place[pack_of[sample]] += 1
    return order, ends


def _exchanged(lengths: np.ndarray, order: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """`order` with the samples of each length in other places among themselves, in the order of `draw`."""
    exchanged = np.empty_like(order)
    exchanged[np.argsort(lengths[order], kind="stable")] = draw[np.argsort(lengths[draw], kind="stable")]
    return exchanged


def _refilled(lengths: np.ndarray, limit: int, order: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The full packs as they are, and the others filled anew, where that takes fewer."""
    if not len(ends):
        return order, ends
    sizes = np.diff(ends, prepend=0)
    full = np.add.reduceat(lengths[order], ends - sizes) == limit
    inside_full = np.repeat(full, sizes)
    again = np.sort(order[~inside_full])
    refilled, refilled_ends = _exact_fill(lengths[again], limit)
    if len(refilled_ends) >= len(ends) - full.sum():
        return order, ends
    kept_ends = np.cumsum(sizes[full])
    start = kept_ends[-1] if len(kept_ends) else 0
    # Within a pack the longest sample stands first.
    pack_of = np.repeat(np.arange(len(refilled_ends)), np.diff(refilled_ends, prepend=0))
    refilled = refilled[np.lexsort((-lengths[again[refilled]], pack_of))]
    return (
        np.concatenate([order[inside_full], again[refilled]]),
        np.concatenate([kept_ends, refilled_ends + start]),
    )


@numba.njit(cache=True)
def _exact_fill(lengths: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Open each pack with the longest sample left, go on in the given order, finish with one or two that fit."""
    samples = len(lengths)
    descending = _sort_descending(lengths, limit)
    waiting = np.zeros(limit + 1, dtype=np.int64)  # by length: samples left
    stack = np.zeros(limit + 1, dtype=np.int64)  # by length: end of its samples in `descending`
    for place in range(samples):
        waiting[lengths[descending[place]]] += 1
        stack[lengths[descending[place]]] = place + 1
    used = np.zeros(samples, dtype=np.bool_)
    order = np.empty(samples, dtype=np.int64)
    ends = np.empty(samples, dtype=np.int64)
    packs = placed = longest = following = 0
    while placed < samples:
        while used[descending[longest]]:
            longest += 1
        room, choice = limit, descending[longest]
        top = lengths[choice]
        while choice >= 0:
            used[choice] = True
            order[placed] = choice
            placed += 1
            room -= lengths[choice]
            waiting[lengths[choice]] -= 1
            length = _finishing(waiting, room, top)
            if length == 0:
                while following < samples and used[following]:
                    following += 1
                if following < samples and lengths[following] <= room:
                    choice = following
                    continue
                length = min(room, top)
                while length > 0 and waiting[length] == 0:
                    length -= 1
            choice = -1
            if length > 0:
                while used[descending[stack[length] - 1]]:
                    stack[length] -= 1
                choice = descending[stack[length] - 1]
        ends[packs] = placed
        packs += 1
    return order, ends[:packs]


@numba.njit(cache=True)
def _finishing(waiting: np.ndarray, room: int, top: int) -> int:
    """A length that fills `room` exactly, alone or with one more; 0 where there is none."""
    if room <= top and waiting[room] > 0:
        return room
    for length in range(min(room - 1, top), (room - 1) // 2, -1):
        rest = room - length
        if waiting[length] > 0 and waiting[rest] > (1 if rest == length else 0):
            return length
    return 0


@numba.njit(cache=True)
def _sort_descending(lengths: np.ndarray, limit: int) -> np.ndarray:
    """Sample numbers by descending length; equal lengths keep their order (a counting sort)."""
    place = np.zeros(limit + 2, dtype=np.int64)
    for length in lengths:
        place[limit - length + 1] += 1
    place = np.cumsum(place)
    order = np.empty(len(lengths), dtype=np.int64)
    for sample in range(len(lengths)):
        slot = limit - lengths[sample]
        order[place[slot]] = sample
        place[slot] += 1
    return order


@numba.njit(cache=True)
def _smallest_room(some: np.ndarray, length: int, limit: int) -> int:
    """The smallest r >= length whose bit is set, or -1."""
    word = length >> 6
    bits = some[word] & (~np.uint64(0) << np.uint64(length & 63))
    while bits == 0:
        word += 1
        if word > limit >> 6:
            return -1
        bits = some[word]
    low = bits & (~bits + np.uint64(1))
    room = word << 6
    for shift in (32, 16, 8, 4, 2, 1):
        if low >> np.uint64(shift):
            low >>= np.uint64(shift)
            room += shift
    return room
