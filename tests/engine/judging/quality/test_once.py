"""Each pair is scored once."""

import numpy as np

from polydistill.engine.judging.quality.once import OnceEstimator


class Lengths:
    """Scores a pair by the hypothesis' length, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        self.asked += zip(sources, hypotheses)
        return np.array([len(text) for text in hypotheses], np.float32)

    def overlong(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        return np.array([len(text) > 3 for text in hypotheses])


def test_a_pair_is_scored_once_until_it_is_forgotten() -> None:
    model = Lengths()
    once = OnceEstimator(model)
    assert once.score(["a", "a", "b"], ["x", "x", "long"]).tolist() == [1, 1, 4]
    assert once.overlong(["b", "a"], ["long", "x"]).tolist() == [True, False]
    assert once.score(["b", "c"], ["long", "yy"]).tolist() == [4, 2]
    assert model.asked == [("a", "x"), ("b", "long"), ("c", "yy")] and once.pairs == 3
    once.forget()
    once.score(["a"], ["x"])
    assert once.pairs == 4 and model.asked[-1] == ("a", "x")
