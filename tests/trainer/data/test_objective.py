"""The objective's weights against its formula, and a sample's own weight."""

from typing import Any

import numpy as np
import pytest

from polydistill.trainer.data.objective import Weighing

SUBSET = np.array([0, 0, 1, 1, 1])
ANSWER = np.array([4, 6, 1, 2, 9])
ONES = np.ones(5)


def weighing(objective: Any, mean_over: Any) -> Weighing:
    return Weighing(objective, mean_over, "step", np.array([1.0, 3.0]))


@pytest.mark.parametrize("mean_over", ["token", "sample"])
def test_every_subset_has_its_share(mean_over: Any) -> None:
    weights = weighing("subset_mean", mean_over).token_weights(SUBSET, ANSWER, ONES, ONES[:2])
    shares = [(weights * ANSWER)[d == SUBSET].sum() for d in (0, 1)]
    assert shares == pytest.approx([0.25, 0.75])
    inside = weights[SUBSET == 1]
    assert inside * (ANSWER[2:] if mean_over == "sample" else 1) == pytest.approx(np.full(3, inside[0]))


@pytest.mark.parametrize("objective", ["subset_mean", "token_mean", "sample_mean"])
@pytest.mark.parametrize("mean_over", ["token", "sample"])
def test_a_weight_of_two_counts_twice(objective: Any, mean_over: Any) -> None:
    """A sample of weight 2 is the same sample two times."""
    how, heavy = weighing(objective, mean_over), np.array([1.0, 1.0, 2.0, 1.0, 1.0])
    twice = np.array([0, 1, 2, 2, 3, 4])
    once = how.token_weights(SUBSET, ANSWER, heavy, ONES[:2])
    double = how.token_weights(SUBSET[twice], ANSWER[twice], np.ones(6), ONES[:2])
    assert np.delete(double, 3) * np.array([1, 1, 2, 1, 1]) == pytest.approx(once)
