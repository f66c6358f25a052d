"""Kernels: what the card and the libraries can do, the loss, packed attention."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.gpu import material
from benchmarks.gpu.check import Figure, SkippedError


def versions(_: Path) -> list[Figure]:
    """CUDA's version, the card's, and what CTranslate2 sees of it."""
    from polydistill.engine.translation.encoder_decoder.seq2seq import _load_cublas

    _load_cublas()
    import ctranslate2

    major, minor = torch.cuda.get_device_capability()
    types = ctranslate2.get_supported_compute_types("cuda")
    return [
        Figure("CUDA", float(torch.version.cuda or 0)),
        Figure("compute capability", major + minor / 10),
        Figure("GPUs for CTranslate2", ctranslate2.get_cuda_device_count(), at_least=1),
        Figure("int8_float16", float("int8_float16" in types), at_least=1),
        Figure("FlashInfer's kernels", float(find_spec("flashinfer_cubin") is not None)),  # else fetched at each start
    ]


def loss(_: Path) -> list[Figure]:
    """The head's gradient, in pieces of 128 tokens and whole, beside float32's own cross-entropy."""
    from polydistill.trainer.model.loss import chunked_losses, head_loss, token_losses

    torch.manual_seed(0)
    place = material.device()
    hidden, labels = torch.randn(700, 256, device=place), torch.randint(0, 32_000, (700,), device=place)
    weight = torch.randn(32_000, 256, device=place) / 16
    exact = weight.clone().requires_grad_()
    F.cross_entropy(F.linear(hidden, exact), labels, reduction="sum").backward()
    assert exact.grad is not None
    figures = []
    for dtype, limit in ((torch.float32, 1e-4), (torch.bfloat16, 2e-2)):
        head = torch.nn.Linear(256, 32_000, bias=False).to(place, dtype)
        states, ones = hidden.to(dtype), torch.ones(700, device=place)
        for name in ("whole", "pieces", "fused"):
            with torch.no_grad():
                head.weight.copy_(weight)
            head.weight.grad = None
            if name == "whole":
                token_losses(head(states), labels).sum().backward()
            elif name == "pieces":
                chunked_losses(head, states, labels, 128).sum().backward()
            else:
                head_loss(states, head.weight, None, labels, ones, 128)[0].backward()
            apart = (head.weight.grad.float() - exact.grad).norm() / exact.grad.norm()
            figures.append(Figure(f"{str(dtype)[6:]} {name}", float(apart), "relative", at_most=limit))
    return figures


def backends(folder: Path) -> list[Figure]:
    """Losses and gradients of varlen, FlexAttention and flash-attn 2 and 3 (where installed) versus packed SDPA."""
    from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

    from polydistill.trainer.model import attention

    attention.register()
    model, packs = material.student(folder), _random_pack(200)
    wanted = _gradients(model, "sdpa", packs)
    figures = []
    installed = ["flash_attention_2"] if is_flash_attn_2_available() else []
    installed += ["flash_attention_3"] if is_flash_attn_3_available() else []
    for name in ("varlen", "flex", *installed):
        losses, gradients = _gradients(model, name, packs)
        figures.append(Figure(f"{name} loss", float((losses - wanted[0]).abs().max()), "nats", at_most=0.1))
        worst = max(float((a - b).norm() / (b.norm() + 1e-3)) for a, b in zip(gradients, wanted[1]))
        figures.append(Figure(f"{name} gradient", worst, "relative", at_most=0.05))
    return figures


def _gradients(model: str, backend: str, pack: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
    from transformers import AutoModelForCausalLM

    from polydistill.trainer.model.attention import NAMES
    from polydistill.trainer.model.packed_lm import PackedLM

    network = AutoModelForCausalLM.from_pretrained(
        model, attn_implementation=NAMES.get(backend, backend), dtype=torch.bfloat16
    ).to(material.device())
    total, losses = PackedLM(network, backend)(pack)
    total.backward()
    return losses, [p.grad.float() for p in network.parameters()]


def _random_pack(vocabulary: int) -> Any:
    """Samples of 5 to 300 random tokens, the longest first; every second half is learnt."""
    draw = np.random.default_rng(0)
    lengths = sorted((int(n) for n in draw.integers(5, 300, 12)), reverse=True)
    return _pack([draw.integers(2, vocabulary, length).astype(np.int32) for length in lengths])


def _pack(samples: Sequence[np.ndarray]) -> Any:
    from polydistill.trainer.data.batch import batch

    prompts = np.array([len(sample) // 2 for sample in samples])
    none = np.zeros(len(samples), dtype=np.int64)
    return batch(list(samples), prompts, none, np.ones(len(samples))).to(material.device())


def packing(_: Path) -> list[Figure]:
    """The start-up check of training on the model that POLYDISTILL_MODEL names, in bf16, for ten packs."""
    model = os.environ.get("POLYDISTILL_MODEL")
    if not model:
        raise SkippedError("set POLYDISTILL_MODEL to the folder of a real model")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from polydistill.trainer.model import attention
    from polydistill.trainer.model.packed_lm import APART, LEAK, PackedLM, check_packing

    attention.register()
    place, dtype = material.device(), torch.bfloat16 if torch.cuda.is_available() else torch.float32
    backend = attention.choose("auto", place, dtype)
    network = AutoModelForCausalLM.from_pretrained(
        model, dtype=dtype, attn_implementation=attention.NAMES.get(backend, backend)
    )
    packed, tokenizer = PackedLM(network.to(place).eval(), backend), AutoTokenizer.from_pretrained(model)
    texts = [
        f"Question {i}: {'Name a river, a mountain and a poem about them. ' * (1 + i % 5)}Answer: the Danube."
        for i in range(40)
    ]
    samples = sorted((np.array(tokenizer(text)["input_ids"], dtype=np.int32) for text in texts), key=len, reverse=True)
    packs = [samples[start : start + 4] for start in range(0, 40, 4)]
    found = [check_packing(packed, [_pack([one]) for one in four], _pack(four), dtype) for four in packs]
    return [
        Figure("largest leak", max(one.leak for one in found), "nats", at_most=LEAK),
        Figure("mean difference", float(np.mean([one.apart for one in found])), "nats", at_most=APART[dtype] / 2),
    ]
