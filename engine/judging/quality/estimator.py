"""What a quality model is to the judge."""

from typing import Protocol

import numpy as np

from polydistill.engine.config import Judge


class Estimator(Protocol):
    """A quality model without references, such as `engine.judging.quality.comet.Comet`."""

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        """Quality of each hypothesis: float32 (rows,), NaN where the model failed."""

    def overlong(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        """Which pairs the model does not read to their end: bool (rows,)."""


def load_estimator(judge: Judge, device: str) -> Estimator | None:
    """The configured quality model, None where quality estimation is off."""
    if judge.quality is None:
        return None
    from polydistill.engine.judging.quality.comet import Comet

    quality = judge.quality
    return Comet.load(quality.model, quality.encoder, device, quality.dtype, quality.batch_tokens)
