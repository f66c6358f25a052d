"""Randomness as a pure function of (seed, row id, purpose).

No stage keeps a generator: any row's draw can be recomputed alone, in any order, on any machine, so a resumed
run equals an uninterrupted one byte for byte.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


def row_bits(ids: Sequence[str]) -> np.ndarray:
    """The 64 bits behind each row id (16 hex digits, see `engine.prompts.prepare`): uint64 of shape (rows,)."""
    return np.array([int(row_id, 16) for row_id in ids], dtype=np.uint64)


def uniform(seed: int, ids: Sequence[str] | np.ndarray, purpose: str) -> np.ndarray:
    """One number in [0, 1) per row id, independent across seeds and purposes: float64 of shape (rows,).

    `ids` are row ids or their bits (`row_bits`), which a caller with several purposes computes once. `purpose`
    names the decision ("coin", "switch:3", ...), so that two decisions about one row are independent.
    """
    bits = ids if isinstance(ids, np.ndarray) else row_bits(ids)
    digest = hashlib.blake2b(f"{seed}:{purpose}".encode(), digest_size=8).digest()
    x = bits ^ np.uint64(int.from_bytes(digest, "big"))
    # splitmix64's finalizer (Steele, Lea, Flood 2014): every input bit reaches every output bit.
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * _MIX1
        x = (x ^ (x >> np.uint64(27))) * _MIX2
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def generator_seed(seed: int, purpose: str, *numbers: int) -> int:
    """A seed of 63 bits for a library's own generator (torch, numpy), independent across purposes and numbers."""
    text = ":".join(map(str, (seed, purpose, *numbers)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
