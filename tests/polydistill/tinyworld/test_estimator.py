"""The shipped quality model, loaded by the library that loads real ones."""

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tiny) -> Path:
    return tiny


def test_quality_estimation_tells_right_translations_from_wrong_ones(world):
    from sklearn.metrics import roc_auc_score

    from polydistill.engine.judging.quality.comet import Comet
    from polydistill.tinyworld.estimator import translate

    examples = translate(world / "models/nllb", 400)
    scores = Comet.load(str(world / "models/comet")).score([e[0] for e in examples], [e[1] for e in examples])
    good = np.array([hypothesis == reference for _, hypothesis, reference in examples])
    assert 0.2 < good.mean() < 0.8
    assert roc_auc_score(good, scores) > 0.85
    # At SDRRL's threshold most right ones stay and most wrong ones go.
    assert (scores[good] >= 0.8).mean() > 0.8 and (scores[~good] < 0.8).mean() > 0.7
