"""Packs as tensors: what is learned, with which weight."""

import numpy as np

from polydistill.trainer.data.batch import batch


def test_batch_learns_answers_only() -> None:
    first, second = np.array([5, 6, 7, 8, 1]), np.array([9, 1])
    one = batch([first, second], np.array([3, 1]), np.array([2, 0]), np.array([0.5, 0.25]))
    assert one.tokens.tolist() == [[5, 6, 7, 8, 1, 9, 1]]
    assert one.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1]]
    assert one.bounds == [0, 5, 7]
    assert one.predict.tolist() == [2, 3, 5] and one.labels.tolist() == [8, 1, 1]
    assert one.weights.tolist() == [0.5, 0.5, 0.25] and one.subsets.tolist() == [2, 2, 0]
    assert one.ends.tolist() == one.bounds


def test_gaps_between_answers_are_not_learned() -> None:
    """A conversation of two turns, prompt 5 6, answers 7 and 8 1, the user's 2 3 between them; and a plain sample."""
    talk, plain = np.array([5, 6, 7, 2, 3, 8, 1]), np.array([9, 4, 1])
    one = batch([talk, plain], np.array([2, 1]), np.array([1, 0]), np.array([0.5, 0.25]), [(0, 3, 5)])
    assert one.labels.tolist() == [7, 8, 1, 4, 1] and one.predict.tolist() == [1, 4, 5, 7, 8]
    assert one.weights.tolist() == [0.5] * 3 + [0.25] * 2 and one.subsets.tolist() == [1, 1, 1, 0, 0]
