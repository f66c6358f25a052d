"""Similarity of a language to the source language inside a model: x-LLM's gamma, measured before training.

Parallel sentences are encoded by the base model (mean of the last layer's states); for each source sentence its
counterpart is looked for among all target sentences by cosine, and scored by the rank that it gets. arXiv 2308.04948
leaves the score open: here it is the reciprocal rank, so that gamma is the mean reciprocal rank, 1 where every sentence
finds its counterpart first and about ln(n)/n where n sentences are found by chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polydistill.engine.config import Parallel
from polydistill.engine.pairs.draw import draw
from polydistill.eval.analysis.geometry import ranks, sentence_vectors
from polydistill.eval.config import Geometry


def gamma(source: np.ndarray, target: np.ndarray) -> float:
    """Mean reciprocal rank of row i of `target`, looked for by row i of `source`: both (sentences, width).

    Equal similarities count against it, so vectors that are all the same do not look like perfect ones.
    """
    return float((1 / ranks(target, source)).mean())


@dataclass(frozen=True)
class Similarities:
    """gamma of each language, and how it was measured."""

    gamma: dict[str, float]
    chance: float  # of a random order
    signature: str


def similarities(
    model: str, parallel: str, source: str, targets: Sequence[str], sentences: int, seed: int = 0, device: str = "cpu"
) -> Similarities:
    """gamma of each target language.

    Raises:
        UserError: no parallel text of a pair, fewer sentences than asked for, or a model that cannot be loaded.
    """
    settings = Geometry(pooling="mean", sentences=sentences)
    found = {}
    for target in targets:
        pairs = draw(Parallel(path=parallel), source, target, sentences, seed).frame
        texts = {side: pairs[side].to_list() for side in ("source", "target")}
        vectors = sentence_vectors(model, texts, settings, device)
        found[target] = gamma(vectors["source"][-1], vectors["target"][-1])
    signature = f"model:{model}|layer:last|pooling:mean|score:reciprocal_rank|n:{sentences}|seed:{seed}"
    return Similarities(found, float(np.mean(1 / np.arange(1, sentences + 1))), signature)
