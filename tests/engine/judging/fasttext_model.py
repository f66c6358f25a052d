"""Writes small fastText classifiers: fastText's own training is not in the package that predicts."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

DIMENSION = 32


def write_model(path: Path, words: Mapping[str, list[str]]) -> Path:
    """A classifier whose labels are `words`' keys and that tells them apart by their words, as a model does.

    Args:
        path: file to write.
        words: for each label, without "__label__", the words that speak for it.
    """
    labels = list(words)
    vocabulary = [word for label in labels for word in words[label]]
    entries = [(word, 1, 0) for word in vocabulary] + [(f"__label__{label}", 1, 1) for label in labels]
    data = struct.pack("<2i", 793712314, 12)
    # dim, ws, epoch, minCount, neg, wordNgrams, loss (3: softmax), model (3: supervised), bucket, minn, maxn, rate; t
    data += struct.pack("<12id", DIMENSION, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)
    data += struct.pack("<3i2q", len(entries), len(vocabulary), len(labels), len(entries), -1)
    for word, count, kind in entries:
        data += word.encode() + b"\0" + struct.pack("<qb", count, kind)
    directions = np.eye(DIMENSION, dtype=np.float32)
    which = [number for number, label in enumerate(labels) for _ in words[label]]
    data += _matrix(directions[which]) + _matrix(20 * directions[: len(labels)])
    path.write_bytes(data)
    return path


def _matrix(values: np.ndarray) -> bytes:
    return struct.pack("<?2q", False, *values.shape) + values.astype("<f4").tobytes()
