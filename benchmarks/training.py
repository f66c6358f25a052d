"""Useful tokens per second: packs train at least three times as fast as padded batches.

The same model (a random Llama: speed does not depend on the weights), samples and optimizer, on one machine. Ours is
the trainer's own forward pass over packs; the reference pads batches of 16 samples in random order to the longest and
takes transformers' own attention and loss, as a plain fine-tuning script does. Useful are tokens that are no padding.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import common
from benchmarks.packing import alpaca_texts, trained_tokenizer
from trainer import attention
from trainer.model import PackedLM, batch
from trainer.pack import pack

LIMIT, BATCH, SAMPLES, VOCABULARY = 2048, 16, 192, 8_000
Sample = tuple[np.ndarray, int]
"""Tokens, and how many of them are the prompt."""


def run() -> list[dict[str, Any]]:
    """Samples per second, packed and padded, on the same samples."""
    samples, origin = _samples()
    tokens = int(sum(len(sample) for sample, _ in samples))
    model = _model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    padding = 1 - tokens / _padded_size(samples)
    return [
        common.paired(
            f"useful tokens per second ({padding:.0%} of the padded batches is padding)",
            _packed(model, optimizer, samples),
            _padded(model, optimizer, samples),
            against=f"batches of {BATCH}, padded to the longest",
            goal=3.0,
            amount=tokens,
            unit="tokens/s",
            packages=("torch", "transformers"),
            repeats=5,
            data=origin,
            limit=LIMIT,
            model=f"Llama, {sum(p.numel() for p in model.parameters()):,} parameters, float32",
            threads=torch.get_num_threads(),
        )
    ]


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

    attention.register()
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


def _packed(model: Any, optimizer: torch.optim.Optimizer, samples: list[Sample]) -> Callable[[], None]:
    lengths = np.array([len(tokens) for tokens, _ in samples])

    def work() -> None:
        model.set_attn_implementation("packed_sdpa")
        packed = PackedLM(model, "sdpa")
        packs = pack(lengths, LIMIT)
        for number in range(len(packs)):
            chosen = packs[number]
            prompts = np.array([samples[i][1] for i in chosen])
            answers = lengths[chosen] - prompts
            weights = np.full(len(chosen), 1.0 / answers.sum())
            loss, _ = packed(batch([samples[i][0] for i in chosen], prompts, np.zeros(len(chosen), int), weights))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    return work


def _padded(model: Any, optimizer: torch.optim.Optimizer, samples: list[Sample]) -> Callable[[], None]:
    def work() -> None:
        model.set_attn_implementation("sdpa")
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
