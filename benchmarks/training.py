"""Useful tokens per second: packs train at least three times as fast as padded batches, and faster than TRL's packing.

The same model (a random Llama: speed does not depend on the weights), samples and AdamW on one machine, alternately.
Ours is the trainer's own step, DeepSpeed included. The references:
    padded  batches of 16 samples in random order, padded to the longest, through transformers' own attention and loss,
            as a plain fine-tuning script does
    TRL     SFTTrainer with packing=True, one pack a step in float32 without recomputation, as ours does; and again
            with what it does by itself (8 packs a step, recomputation, bfloat16), except that a CPU is allowed
Useful are tokens that are no padding.
"""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import common, peer_trl
from benchmarks.packing import alpaca_texts, trained_tokenizer
from engine.shards import Place

LIMIT, BATCH, SAMPLES, VOCABULARY = 2048, 16, 192, 8_000
Sample = tuple[np.ndarray, int]
"""Tokens, and how many of them are the prompt."""


def run() -> list[dict[str, Any]]:
    """Useful tokens/s, packed, beside each of the references on the same samples."""
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
                        f"useful tokens per second beside {claim}",
                        ours,
                        reference,
                        against="TRL's SFTTrainer, packing=True",
                        goal=1.0,
                        repeats=repeats,
                        warm=False,
                        **settings,
                    )
                )
    return rows


def _samples() -> tuple[list[Sample], str]:
    folder, draw = os.environ.get("POLYDISTILL_DATA"), np.random.default_rng(0)
    if not folder:
        lengths = np.clip(draw.lognormal(4.7, 0.6, SAMPLES).astype(int), 8, LIMIT)
        made = [(draw.integers(0, VOCABULARY, n).astype(np.int32), max(1, int(n * 0.6))) for n in lengths]
        return made, "lognormal(4.7, 0.6) lengths; POLYDISTILL_DATA is not set"
    texts = alpaca_texts(Path(folder))
    tokenizer = trained_tokenizer([prompt + answer for prompt, answer in texts], VOCABULARY)
    chosen = [texts[i] for i in draw.choice(len(texts), SAMPLES, replace=False)]
    samples = []
    for prompt, answer in chosen:
        start, end = tokenizer.encode(prompt).ids, tokenizer.encode(answer).ids
        samples.append((np.array([*start, *end, 0], dtype=np.int32)[:LIMIT], len(start)))
    return samples, f"{SAMPLES} Alpaca rows, a BPE of {VOCABULARY:,}"


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
    """One epoch of the trainer's steps, one pack each, under its default ZeRO stage."""
    import torch.distributed as dist

    from trainer import attention, zero
    from trainer.config import Train
    from trainer.data import Samples
    from trainer.model import PackedLM
    from trainer.objective import Weighing
    from trainer.plan import Plan
    from trainer.step import train_step

    zero.prepare()
    device = torch.device("cpu")
    os.environ |= {"DS_ACCELERATOR": "cpu", "LOCAL_RANK": "0"}
    dist.init_process_group("gloo", init_method=f"file://{folder}/ranks", rank=0, world_size=1)
    attention.register()
    model = _model()
    model.set_attn_implementation(attention.NAMES["sdpa"])
    train = Train(max_tokens=LIMIT, packs=1, objective="token_mean", attention="sdpa")
    engine = zero.start(PackedLM(model, "sdpa"), train, zero.settings(train, 1, torch.float32))
    lengths = np.array([len(tokens) for tokens, _ in samples])
    none = np.zeros(len(samples), dtype=np.int64)
    laid_out = Samples(
        flat=[np.concatenate([tokens for tokens, _ in samples])],
        shard=none,
        start=np.cumsum(lengths) - lengths,
        length=lengths,
        prompt=np.array([prompt for _, prompt in samples]),
        subset=none,
        validation=none.astype(bool),
        place=Place.of(folder),
        files=[],
    )

    def work() -> None:
        plan = Plan(laid_out, np.arange(len(samples)), train, Weighing("token_mean", "token", "epoch", np.ones(1)))
        for step in range(plan.steps_per_epoch):
            train_step(engine, plan, step, 1e-5, device)

    return work


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
