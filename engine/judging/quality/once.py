"""A quality model that is asked of each pair once."""

import numpy as np

from polydistill.engine.judging.quality.estimator import Estimator


class OnceEstimator:
    """An estimator that scores each pair once, until `forget` is called: a row judged again costs nothing.

    Attributes:
        pairs: pairs that the model has scored since it was loaded.
    """

    def __init__(self, estimator: Estimator) -> None:
        self._estimator = estimator
        self._known: dict[tuple[str, str], tuple[float, bool]] = {}
        self.pairs = 0

    def forget(self) -> None:
        """Start anew."""
        self._known = {}

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        """See `Estimator`."""
        new = [pair for pair in dict.fromkeys(zip(sources, hypotheses)) if pair not in self._known]
        if new:
            first, second = [source for source, _ in new], [hypothesis for _, hypothesis in new]
            scores, overlong = self._estimator.score(first, second), self._estimator.overlong(first, second)
            self._known |= dict(zip(new, zip(scores.tolist(), overlong.tolist())))
            self.pairs += len(new)
        return np.array([self._known[pair][0] for pair in zip(sources, hypotheses)], np.float32)

    def overlong(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        """See `Estimator`. Asked for the pairs that were scored before."""
        return np.array([self._known[pair][1] for pair in zip(sources, hypotheses)], bool)
