"""Useful tokens per second: packs train at least three times as fast as padded batches, and faster than TRL's packing.

The same model (a random Llama: speed does not depend on the weights), samples and AdamW on one machine, alternately.
Ours is the trainer's own step, DeepSpeed included. The references:
    padded  batches of 16 samples in random order, padded to the longest, through transformers' own attention and loss,
            as a plain fine-tuning script does
    TRL     SFTTrainer with packing=True, one pack a step in float32 without recomputation, as ours does; and again
            with what it does by itself (8 packs a step, recomputation, bfloat16), except that a CPU is allowed
Useful are tokens that are no padding. On a machine with a GPU whose peak is known (trainer/run/memory.py) follows
the share
of its arithmetic that a Llama of 1.1 billion parameters uses in bfloat16: at least half is the goal.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import common, peer_trl
from benchmarks.packing import alpaca_texts, trained_tokenizer
from polydistill.engine.storage.shards import Folder

LIMIT, BATCH, SAMPLES, VOCABULARY = 2048, 16, 192, 8_000
Sample = tuple[np.ndarray, int]
"""Tokens, and how many of them are the prompt."""


def run() -> list[dict[str, Any]]:
    """Useful tokens/s, packed, versus each reference on the same samples."""
    samples, origin = _samples()
    tokens = int(sum(len(sample) for sample, _ in samples))
    padding = 1 - tokens / _padded_size(samples)
    model = _model()
    settings: dict[str, Any] = {
        "amount": tokens,
        "unit": "tokens/s",
        "packages": ("torch", "transformers", "deepspeed"),
        "data": origin,
        "limit": LIMIT,
        "model": f"Llama, {sum(p.numel() for p in model.parameters()):,} parameters, float32",
        "threads": torch.get_num_threads(),
    }
    with tempfile.TemporaryDirectory() as folder, common.elsewhere(_ours, samples, folder) as ours:
        rows = [
            common.paired(
                f"useful tokens per second ({padding:.0%} of the padded batches is padding)",
                ours,
                _padded(model, samples),
                against=f"batches of {BATCH}, padded to the longest",
                goal=3.0,
                repeats=3,
                **settings,
            )
        ]
        if peer_trl.installed():
            settings["packages"] += ("trl", "accelerate")
            packed = peer_trl.dataset(samples)
            same = {"per_device_train_batch_size": 1, "bf16": False, "gradient_checkpointing": False}
            for claim, arguments, repeats in (
                ("TRL packing, the same arithmetic", same, 2),
                ("TRL packing, TRL's defaults", {"use_cpu": not torch.cuda.is_available()}, 1),
            ):
                reference = peer_trl.trainer(_model(), packed, LIMIT, **arguments)
                rows.append(
                    common.paired(
                        f"useful tokens per second versus {claim}",
                        ours,
                        reference,
                        against="TRL's SFTTrainer, packing=True",
                        goal=1.0,
                        repeats=repeats,
                        warm=False,
                        **settings,
                    )
                )
    return rows + (_utilization() if torch.cuda.is_available() else [])


def _utilization() -> list[dict[str, Any]]:
    """Model FLOPs utilization of this machine's first GPU, by step; no row where its peak is not known."""
    from polydistill.trainer.config import Train

    device, limit = torch.device("cuda", 0), 8192
    # TinyLlama's shape (arXiv 2401.02385).
    shape = {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_key_value_heads": 4}
    shape |= {"vocab_size": 32_000, "num_attention_heads": 32, "max_position_embeddings": limit}
    train = Train(max_tokens=limit, packs=4, objective="token_mean", deepspeed="zero1")
    backend, shares = _shares(shape, train, 60_000, device, torch.bfloat16)
    known = [share for share in shares[3:] if share is not None]
    if not known:
        return []
    settings: dict[str, Any] = {"attention": backend, "packs": train.packs, "limit": limit, "parameters": "1.1B"}
    return [
        common.value(
            "model FLOPs utilization, bfloat16",
            known,
            goal=0.5,
            unit="share",
            packages=("torch", "transformers", "deepspeed"),
            gpu=torch.cuda.get_device_name(device),
            **settings,
        )
    ]


def _shares(
    shape: dict[str, int], train: Any, count: int, device: torch.device, dtype: torch.dtype, steps: int = 13
) -> tuple[str, list[float | None]]:
    """The attention that was chosen, and the share of the device's arithmetic that each step's model uses."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from polydistill.trainer.data.feed import Feed
    from polydistill.trainer.model import attention
    from polydistill.trainer.run import memory
    from polydistill.trainer.run.train_step import train_step

    attention.register()
    backend = attention.choose("auto", device, dtype)
    samples = _random_samples(count, shape["vocab_size"])
    model = LlamaForCausalLM(LlamaConfig(**shape)).to(dtype)
    model.set_attn_implementation(attention.NAMES.get(backend, backend))
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        engine, plan = _started(samples, folder, model, backend, train, device, dtype)
        feed = Feed(plan, pinned=True)
        for step in range(steps):
            start = time.perf_counter()
            tokens = train_step(engine, feed, step, 1e-5).tokens  # ends by reading the gradient's norm
            shares.append(memory.mfu(model, tokens / (time.perf_counter() - start), plan, device))
    return backend, shares


def _samples() -> tuple[list[Sample], str]:
    folder = os.environ.get("POLYDISTILL_DATA")
    if not folder:
        return _random_samples(SAMPLES, VOCABULARY), "lognormal(4.7, 0.6) lengths; POLYDISTILL_DATA is not set"
    texts = alpaca_texts(Path(folder))
    tokenizer = trained_tokenizer([prompt + answer for prompt, answer in texts], VOCABULARY)
    chosen = [texts[i] for i in np.random.default_rng(0).choice(len(texts), SAMPLES, replace=False)]
    samples = []
    for prompt, answer in chosen:
        start, end = tokenizer.encode(prompt).ids, tokenizer.encode(answer).ids
        samples.append((np.array([*start, *end, 0], dtype=np.int32)[:LIMIT], len(start)))
    return samples, f"{SAMPLES} Alpaca rows, a BPE of {VOCABULARY:,}"


def _random_samples(count: int, vocabulary: int) -> list[Sample]:
    """Random tokens; lengths like those of Alpaca's rows."""
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.lognormal(4.7, 0.6, count).astype(int), 8, LIMIT)
    return [(draw.integers(0, vocabulary, n).astype(np.int32), max(1, int(n * 0.6))) for n in lengths]


def _model() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=LIMIT,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def _ours(samples: list[Sample], folder: str) -> Callable[[], None]:
    """One epoch of the trainer's steps, one pack each, under its default ZeRO stage, on the CPU."""
    from polydistill.trainer.config import Train
    from polydistill.trainer.data.feed import Feed
    from polydistill.trainer.data.step_plan import Plan
    from polydistill.trainer.model.attention import NAMES, register
    from polydistill.trainer.run.train_step import train_step

    os.environ["DS_ACCELERATOR"] = "cpu"
    register()
    device, model = torch.device("cpu"), _model()
    model.set_attn_implementation(NAMES["sdpa"])
    train = Train(max_tokens=LIMIT, packs=1, objective="token_mean", attention="sdpa", deepspeed="zero2")
    engine, plan = _started(samples, folder, model, "sdpa", train, device, torch.float32)

    def work() -> None:
        again = Feed(Plan(plan.samples, plan.chosen, train, plan.weighing))  # packed anew: that counts
        for step in range(again.plan.steps_per_epoch):
            train_step(engine, again, step, 1e-5)

    return work


def _started(
    samples: list[Sample], folder: str, model: Any, backend: str, train: Any, device: torch.device, dtype: torch.dtype
) -> tuple[Any, Any]:
    """DeepSpeed's engine around `model` as the only rank, and the plan of one epoch over `samples`."""
    import torch.distributed as dist

    from polydistill.trainer.data.objective import Weighing
    from polydistill.trainer.data.samples import Samples
    from polydistill.trainer.data.step_plan import Plan
    from polydistill.trainer.distributed import deepspeed_engine
    from polydistill.trainer.model.packed_lm import PackedLM

    deepspeed_engine.prepare()
    os.environ["LOCAL_RANK"] = "0"
    kind = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(kind, init_method=f"file://{folder}/ranks", rank=0, world_size=1)
    engine = deepspeed_engine.start(
        PackedLM(model, backend), train, deepspeed_engine.settings(train, train.packs, dtype)
    )
    lengths = np.array([len(tokens) for tokens, _ in samples])
    none = np.zeros(len(samples), dtype=np.int64)
    laid_out = Samples(
        flat=[np.concatenate([tokens for tokens, _ in samples])],
        shard=none,
        start=np.cumsum(lengths) - lengths,
        length=lengths,
        prompt=np.array([prompt for _, prompt in samples]),
        gaps=np.zeros((0, 3), dtype=np.int64),
        subset=none,
        weight=np.ones(len(samples)),
        validation=none.astype(bool),
        place=Folder.of(folder),
        files=[],
    )
    return engine, Plan(laid_out, np.arange(len(samples)), train, Weighing("token_mean", "token", "epoch", np.ones(1)))


def _padded(model: Any, samples: list[Sample]) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def work() -> None:
        for first in range(0, len(samples), BATCH):
            some = samples[first : first + BATCH]
            width = max(len(tokens) for tokens, _ in some)
            ids, mask = torch.zeros(len(some), width, dtype=torch.long), torch.zeros(len(some), width, dtype=torch.long)
            labels = torch.full((len(some), width), -100)
            for row, (tokens, start) in enumerate(some):
                ids[row, : len(tokens)] = torch.from_numpy(tokens.astype(np.int64))
                mask[row, : len(tokens)] = 1
                labels[row, start : len(tokens)] = ids[row, start : len(tokens)]
            model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    return work


def _padded_size(samples: list[Sample]) -> int:
    """Tokens of the padded batches, padding included."""
    batches = [samples[first : first + BATCH] for first in range(0, len(samples), BATCH)]
    return sum(len(some) * max(len(tokens) for tokens, _ in some) for some in batches)


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row, ensure_ascii=False))
