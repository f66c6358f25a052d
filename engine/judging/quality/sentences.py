"""A second look at texts of several sentences that a quality model rates low: its scores of their sentences.

Quality models are trained on single sentences, and underrate right translations of longer texts. The worst sentence
of a text decides, so that no wrong sentence hides behind good ones.
"""

import numpy as np

from polydistill.engine.judging.quality.estimator import Estimator
from polydistill.engine.text.segment import SENTENCE, segment

Pair = tuple[str, str]
"""Source and hypothesis."""


def worst_sentences(estimator: Estimator, pairs: list[Pair], source: str, target: str) -> np.ndarray:
    """Quality of the worst sentence of each text: float32 (texts,), NaN where sentences cannot be paired.

    Args:
        estimator: scores pairs of sentences.
        pairs: texts.
        source, target: their languages, FLORES-200 codes.
    """
    parts = [sentence_pairs(*pair, source, target) for pair in pairs]
    sentences = [sentence for part in parts for sentence in part]
    worst = np.full(len(pairs), np.nan, np.float32)
    if sentences:
        scores = estimator.score([first for first, _ in sentences], [second for _, second in sentences])
        ends = np.cumsum([len(part) for part in parts])
        for text, part in enumerate(parts):
            if part:
                worst[text] = scores[ends[text] - len(part) : ends[text]].min()
    return worst


def sentence_pairs(text: str, hypothesis: str, source: str, target: str) -> list[Pair]:
    """The sentences of a text and of its hypothesis in order; [] for one sentence, or for unequal numbers of them."""
    ours, theirs = (
        [piece.text for piece in segment(own, language) if piece.kind == SENTENCE]
        for own, language in ((text, source), (hypothesis, target))
    )
    return list(zip(ours, theirs)) if len(ours) == len(theirs) > 1 else []
