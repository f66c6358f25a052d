"""Training speed on one card: MFU, memory beside the estimate, how often the CPU waits for the card."""

import gc
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.check import Figure

SHAPE = {
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_hidden_layers": 22,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "vocab_size": 32_000,
    "max_position_embeddings": 16_384,
}
"""TinyLlama's, 1.1 billion parameters (arXiv 2401.02385)."""
PACK, PACKS, STEPS = 8192, 4, 8


@dataclass(frozen=True)
class Measured:
    """Steps of one training, measured."""

    mfu: float | None  # None: the card's peak is not known
    tokens: float  # per second
    memory: float  # GiB, the largest amount
    estimate: float  # GiB
    syncs: int  # of one step


def speed(folder: Path) -> list[Figure]:
    """A Llama of 1.1 billion parameters in bf16 on packs of 8,192 tokens, as training does it."""
    found = _measure(folder)
    figures = [
        Figure("tokens per second", found.tokens),
        Figure("memory over estimate", found.memory / found.estimate, at_least=0.75, at_most=1.25),
        Figure("memory", found.memory, "GiB"),
        Figure("host syncs per pack", found.syncs / PACKS, at_most=1),
    ]
    if found.mfu is not None:
        figures.insert(0, Figure("MFU", found.mfu, at_least=0.5))
    return figures


def _measure(folder: Path) -> Measured:
    from transformers import LlamaConfig, LlamaForCausalLM

    from benchmarks.training import _random_samples, _started
    from polydistill.trainer.config import Train
    from polydistill.trainer.data.feed import Feed
    from polydistill.trainer.model import attention
    from polydistill.trainer.run import memory
    from polydistill.trainer.run.train_step import train_step

    train = Train(max_tokens=PACK, packs=PACKS, objective="token_mean", deepspeed="zero1", checkpoint_minutes=None)
    device, dtype = torch.device("cuda", 0), torch.bfloat16
    attention.register()
    backend = attention.choose("auto", device, dtype)
    with device:
        model = LlamaForCausalLM(LlamaConfig(**SHAPE)).to(dtype)
    model.set_attn_implementation(attention.NAMES.get(backend, backend))
    model.train()
    samples = _random_samples(20_000, SHAPE["vocab_size"])
    engine, plan = _started(samples, str(folder), model, backend, train, device, dtype)
    gc.collect()
    torch.cuda.reset_peak_memory_stats()
    feed, rates = Feed(plan, pinned=True), []
    for step in range(STEPS):
        start = time.perf_counter()
        tokens = train_step(engine, feed, step, 1e-5).tokens  # ends by reading the gradient's norm
        rates.append(tokens / (time.perf_counter() - start))
    rate = sorted(rates[2:])[len(rates[2:]) // 2]
    parameters = sum(p.numel() for p in model.parameters())
    shape = memory.Shape(
        parameters=parameters,
        layers=SHAPE["num_hidden_layers"],
        hidden=SHAPE["hidden_size"],
        intermediate=SHAPE["intermediate_size"],
        vocabulary=SHAPE["vocab_size"],
        trained=parameters,
    )
    return Measured(
        mfu=memory.mfu(model, rate, plan, device),
        tokens=rate,
        memory=memory.used(device),
        estimate=memory.estimate(shape, train, 1).device / 2**30,
        syncs=_syncs(engine, feed, STEPS),
    )


def _syncs(engine: Any, feed: Any, step: int) -> int:
    """Operations of one step that make the CPU wait for the card, as torch's debug mode counts them."""
    from polydistill.trainer.run.train_step import train_step

    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            train_step(engine, feed, step, 1e-5)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in seen)
