"""Trainings through Ray Train: loss curves of every precision, ZeRO stage, offload, attention and adapter."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu import material
from benchmarks.gpu.check import Figure

_SMALL = not torch.cuda.is_available()  # processors show that the code works, and need not show more
COMMON: dict[str, Any] = {
    "steps": 4 if _SMALL else 8,
    "max_tokens": 512 if _SMALL else 1024,
    "packs": 2 if _SMALL else 4,
    "learning_rate": 3e-3,
    "checkpoint_minutes": None,
    "loggers": (),
    "log_steps": 4,
}
EXACT = {"precision": "fp32", "deepspeed": "zero0"}
FALLING = {**COMMON, "steps": 16, "objective": "token_mean"}  # one step's subsets are not another's: count tokens alone
LORA = {"rank": 8, "alpha": 16}
Cases = Mapping[str, Mapping[str, Any]]


def precisions(folder: Path) -> list[Figure]:
    """bf16 under ZeRO 0 to 3, and with recomputed activations, beside float32 on the same device."""
    cases: dict[str, dict[str, Any]] = {
        f"bf16 zero{stage}": {"precision": "bf16", "deepspeed": f"zero{stage}"} for stage in range(4)
    }
    cases["bf16 recomputed"] = {"precision": "bf16", "activation_checkpointing": True}
    return beside(folder, EXACT, cases, 0.05)


def attentions(folder: Path) -> list[Figure]:
    """SDPA and FlexAttention in bf16 (varlen is the default), and fp16, beside float32."""
    cases = {f"bf16 {name}": {"precision": "bf16", "attention": name} for name in ("sdpa", "varlen", "flex")}
    return beside(folder, EXACT, cases | {"fp16": {"precision": "fp16"}}, 0.05)


def offload(folder: Path) -> list[Figure]:
    """The optimizer, and everything, in CPU memory."""
    cases = {
        "optimizer": {"precision": "bf16", "deepspeed": "zero2", "offload": "optimizer"},
        "all": {"precision": "bf16", "deepspeed": "zero3", "offload": "all"},
    }
    return beside(folder, EXACT, cases, 0.05)


def adapters(folder: Path) -> list[Figure]:
    """LoRA in bf16, alone, split and with new tokens, beside the same in float32. DoRA's loss falls."""
    half: dict[str, Any] = {"precision": "bf16", "lora": LORA}
    words: dict[str, Any] = {"lora": LORA, "new_tokens": ["<new>"]}  # embeddings and head are trained with the adapter
    return [
        *beside(folder, {**EXACT, "lora": LORA}, {"lora": half, "lora zero3": {**half, "deepspeed": "zero3"}}, 0.1),
        *beside(folder, {**EXACT, **words}, {"lora and new tokens": {**half, **words}}, 0.1),
        *falling(folder, {"dora": {**half, "lora": {**LORA, "dora": True}}}),
    ]


def quantized(folder: Path) -> list[Figure]:
    """QLoRA: quantized weights are other weights, so the loss must fall, no more."""
    half = {"precision": "bf16"}
    cases: dict[str, dict[str, Any]] = {f"{bits} bits": {**half, "lora": {**LORA, "bits": bits}} for bits in (4, 8)}
    cases["4 bits recomputed"] = {**cases["4 bits"], "activation_checkpointing": True}
    return falling(folder, cases)


def ranks(folder: Path) -> list[Figure]:
    """Two GPUs at every ZeRO stage beside one."""
    cases = {f"zero{s}": {"precision": "bf16", "deepspeed": f"zero{s}", "workers": 2} for s in range(4)}
    return beside(folder, {"precision": "bf16"}, cases, 0.03)


def beside(folder: Path, reference: Mapping[str, Any], cases: Cases, limit: float) -> list[Figure]:
    """The largest difference between each case's losses and the reference's, nats."""
    first = f"reference of {next(iter(cases))}"
    found = curves(folder, {first: reference, **cases})
    wanted = found.pop(first)
    return [
        Figure(name, float(np.abs(np.subtract(curve, wanted)).max()), "nats", at_most=limit)
        for name, curve in found.items()
    ]


def falling(folder: Path, cases: Cases) -> list[Figure]:
    """How far each case's loss falls from the first step to the last, nats."""
    found = curves(folder, cases, FALLING)
    return [Figure(f"{name} falls", curve[0] - curve[-1], "nats", at_least=1e-3) for name, curve in found.items()]


def curves(folder: Path, cases: Cases, common: Mapping[str, Any] = COMMON) -> dict[str, list[float]]:
    """Train the small student for each case; the losses by step. Every trained model is loaded once."""
    from transformers import AutoModelForCausalLM

    from polydistill.engine.cluster import cluster

    student, mixture = _once(folder / "student", material.student), _once(folder / "mixture", material.mixture)
    found = {}
    with cluster():
        for name, case in cases.items():
            checkpoint = _train(mixture, student, {**common, **case}, folder / "out" / name.replace(" ", "-"))
            AutoModelForCausalLM.from_pretrained(checkpoint.path)
            found[name] = [float(row["loss"] if row["loss"] is not None else "nan") for row in checkpoint.curve]
    return found


def _once(place: Path, make: Callable[[Path], str]) -> str:
    return str(place) if place.exists() else make(place.parent)


def _train(mixture: str, student: str, settings: Mapping[str, Any], out: Path) -> Any:
    from polydistill import steps

    gpus = 1 if torch.cuda.is_available() else 0
    return steps.train(
        mixture, {"model": student, "prompt": "raw"}, {"gpus": gpus, **settings}, str(out), progress=False
    )
