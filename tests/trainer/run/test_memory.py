"""The memory estimate follows what it says it follows."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from polydistill.engine.config import Student, dump
from polydistill.trainer.config import Lora, Train
from polydistill.trainer.records import Identity
from polydistill.trainer.run import launch, rank
from polydistill.trainer.run.memory import Shape, estimate, explain, shape_of

LLAMA_7B = Shape(6_738_415_616, 32, 4096, 11008, 32_000, 6_738_415_616)


def test_shape_counts_the_models_parameters(student: str) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(student)
    shape = shape_of(student, Train())
    assert shape.parameters == shape.trained == model.num_parameters()
    adapters = shape_of(student, Train(lora=Lora(rank=4, layers=["q_proj", "v_proj"])))
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
    assert adapters.trained == adapted.get_nb_trainable_parameters()[0]


def test_zero_divides_more_with_every_stage() -> None:
    """7B parameters in half precision take 16 bytes each, all on one device (ZeRO's paper, figure 1)."""
    needs = [estimate(LLAMA_7B, Train(deepspeed=f"zero{stage}"), 8) for stage in range(4)]
    states = [need.weights + need.gradients + need.optimizer for need in needs]
    assert states[0] == pytest.approx(16 * LLAMA_7B.parameters)
    assert states[1] == pytest.approx((4 + 12 / 8) * LLAMA_7B.parameters)
    assert states[2] == pytest.approx((2 + 14 / 8) * LLAMA_7B.parameters)
    assert states[3] == pytest.approx(16 / 8 * LLAMA_7B.parameters)


def test_what_makes_it_smaller_and_the_advice() -> None:
    plain = estimate(LLAMA_7B, Train(), 8)
    assert estimate(LLAMA_7B, Train(activation_checkpointing=True), 8).activations < plain.activations / 5
    away = estimate(LLAMA_7B, Train(offload="optimizer"), 8)
    assert away.optimizer == 0 and away.cpu == plain.optimizer
    assert "train.deepspeed=zero2" in explain(estimate(LLAMA_7B, Train(deepspeed="zero0"), 1), 80 * 2**30)
    assert "of 80.0 GiB" in explain(plain, 80 * 2**30)
    assert "activation_checkpointing" in explain(estimate(LLAMA_7B, Train(max_tokens=65_536), 8))


def test_a_device_that_is_full_is_said_with_numbers_and_ray_does_not_try_for_ever(
    student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rank that met it fails, so that the others stop as well; started again, all answer with the message."""

    def full(*_: Any) -> str:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")

    monkeypatch.setattr(rank, "run", full)
    config = {"student": dump(Student(model=student)), "train": dump(Train(deepspeed="zero0")), "out": str(tmp_path)}
    config |= {"mixture": "m", "launch": "1"}
    config["identity"] = asdict(Identity({}, "token_mean", False, "m", "raw", "x"))
    with pytest.raises(torch.OutOfMemoryError):
        launch._worker(config)
    message = launch._worker(config)["error"]
    assert message.startswith("out of memory: about 0.") and "GiB are needed on each device (weights " in message
    assert "set train.activation_checkpointing=true" in message and "Tried to allocate 2.00 GiB." in message
    assert "GPU 0 has" not in message
