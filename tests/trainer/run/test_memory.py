"""The memory estimate follows what it says it follows."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from polydistill.trainer.config import Lora, Train
from polydistill.trainer.run.memory import Shape, estimate, explain, first_stage_that_fits, flops_per_token, shape_of

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
    """7B parameters in half precision take 16 bytes each, all on one device (ZeRO's paper, figure 1); 4 more where
    ZeRO adds the gradients up in float32."""
    needs = [estimate(LLAMA_7B, Train(deepspeed=f"zero{stage}"), 8) for stage in range(4)]
    states = [need.weights + need.gradients + need.optimizer for need in needs]
    assert states[0] == pytest.approx(16 * LLAMA_7B.parameters)
    assert states[1] == pytest.approx((2 + 6 + 12 / 8) * LLAMA_7B.parameters)
    assert states[2] == pytest.approx((2 + 18 / 8) * LLAMA_7B.parameters)
    assert states[3] == pytest.approx(20 / 8 * LLAMA_7B.parameters)


def test_the_first_stage_that_fits() -> None:
    def stage(ranks: int, gib: int, **settings: Any) -> str:
        return first_stage_that_fits(LLAMA_7B, Train(**settings), ranks, True, gib * 2**30)

    small = {"activation_checkpointing": True}
    assert [stage(8, gib, **small) for gib in (90, 60, 30)] == ["zero1", "zero2", "zero3"]
    assert stage(8, 30, compile=True) == "zero2"  # compiled layers and quantized weights cannot be split
    assert stage(8, 80, lora=Lora(bits=4), **small) == "zero1"


def test_only_answers_pass_the_head(student: str) -> None:
    """Llama's parameters by hand: embeddings are looked up, and a third of the tokens are answers."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(student)
    lengths = np.array([30, 60])
    plan = SimpleNamespace(samples=SimpleNamespace(length=lengths, answer=lengths // 3), chosen=np.arange(2))
    head = model.get_output_embeddings().weight.numel()
    body = model.num_parameters() - 2 * head
    attention = 12 * 2 * 32 * (30**2 + 60**2) / 90 / 2
    assert flops_per_token(model, plan) == pytest.approx(6 * body + 6 * head / 3 + attention)


def test_what_makes_it_smaller_and_the_advice() -> None:
    plain = estimate(LLAMA_7B, Train(deepspeed="zero2"), 8)
    assert estimate(LLAMA_7B, Train(activation_checkpointing=True), 8).activations < plain.activations / 5
    away = estimate(LLAMA_7B, Train(offload="optimizer"), 8)
    assert away.optimizer == 0 and away.cpu == 18 / 8 * LLAMA_7B.parameters
    assert "train.deepspeed=zero2" in explain(estimate(LLAMA_7B, Train(deepspeed="zero0"), 1), 80 * 2**30)
    assert "of 80.0 GiB" in explain(plain, 80 * 2**30)
    assert "activation_checkpointing" in explain(estimate(LLAMA_7B, Train(max_tokens=65_536), 8))
