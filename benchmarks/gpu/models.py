"""Judge and translator: the arithmetic of GPUs beside float32 on the CPU."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from benchmarks.gpu import material
from benchmarks.gpu.check import Figure

T = TypeVar("T")


def comet(folder: Path) -> list[Figure]:
    """Scores of 400 pairs in every precision of the device beside the CPU's."""
    from polydistill.engine.judging.quality.comet import Comet

    world = material.world(folder)
    path, texts = str(world / "models/comet"), material.sentences(world, 400)
    others = [*texts[1:], texts[0]]
    wanted = Comet.load(path).score(texts, others)
    figures = []
    for dtype, limit in _precisions():
        model = Comet.load(path, device=material.device().type, dtype=dtype, batch_tokens=32_768)
        found, seconds = _warm(partial(model.score, texts, others))
        # A score that is not a number makes the difference one, which keeps no limit.
        apart = float(np.abs(found - wanted).max())
        figures += [
            Figure(f"{dtype} difference", apart, at_most=limit),
            Figure(f"{dtype} speed", len(texts) / seconds, "pairs/s"),
        ]
    return figures


def _precisions() -> Sequence[tuple[str, float]]:
    if torch.cuda.is_available():
        return (("float32", 1e-3), ("float16", 0.03), ("bfloat16", 0.03))
    return (("float32", 1e-3),)


def translator(folder: Path) -> list[Figure]:
    """Share of 400 sentences whose translation is that of float32 on the CPU, by compute type."""
    from polydistill.engine.config import Translate
    from polydistill.engine.translation.encoder_decoder.seq2seq import Seq2Seq

    world = material.world(folder)
    texts = material.sentences(world, 400)
    sources, targets = ["eng_Latn"] * len(texts), ["deu_Latn"] * len(texts)

    def translated(kind: str, place: str) -> tuple[list[str | None], float]:
        config = Translate(model=str(world / "models/nllb"), compute_type=kind, batch_tokens=8192)
        model = Seq2Seq(config, place, cache=str(folder / "converted"))
        found, seconds = _warm(partial(model, texts, sources, targets))
        return [hypothesis.text for hypothesis in found], seconds

    wanted, slowest = translated("float32", "cpu")
    figures = [Figure("cpu float32 speed", len(texts) / slowest, "sentences/s")]
    place = material.device().type
    kinds = ("float32", "float16", "int8_float16") if place == "cuda" else ("int8",)
    for kind in kinds:
        found, seconds = translated(kind, place)
        same = float(np.mean([a is not None and a == b for a, b in zip(found, wanted)]))
        figures += [
            Figure(f"{kind} equal", same, at_least=0.9 if "int8" in kind else 0.97),
            Figure(f"{kind} speed", len(texts) / seconds, "sentences/s"),
        ]
    return figures


def _warm(work: Callable[[], T]) -> tuple[T, float]:
    """What the second call gives, and its seconds: the first one compiles kernels."""
    work()
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start
