"""DeepSpeed's configuration says what ours says, and leaves none of its defaults that would change the result."""

from typing import Any

import pytest
import torch

from polydistill.trainer.config import Train
from polydistill.trainer.distributed.deepspeed_engine import device, settings


def made(dtype: torch.dtype = torch.float32, passes: int = 4, **train: Any) -> dict[str, Any]:
    return settings(Train(**{"deepspeed": "zero2", **train}), passes, dtype)


def test_passes_and_clipping_are_named() -> None:
    found = made(clip=0, passes=7)
    assert found["gradient_clipping"] == 0 and found["gradient_accumulation_steps"] == 7
    assert found["train_micro_batch_size_per_gpu"] == 1
    assert made(clip=0.5)["gradient_clipping"] == 0.5


@pytest.mark.parametrize("stage", ["zero0", "zero1", "zero2", "zero3"])
def test_stages(stage: str) -> None:
    zero = made(deepspeed=stage)["zero_optimization"]
    assert zero["stage"] == int(stage[-1])
    assert ("stage3_gather_16bit_weights_on_model_save" in zero) == (stage == "zero3")


@pytest.mark.parametrize(("stage", "overlaps"), [("zero0", False), ("zero1", True), ("zero2", True), ("zero3", False)])
def test_reductions_overlap_with_the_arithmetic_of_a_gpu(
    stage: str, overlaps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeepSpeed's default is to wait for them below stage 3; there it is to overlap."""
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    zero = made(deepspeed=stage)["zero_optimization"]
    assert zero.get("overlap_comm", False) == overlaps
    assert DeepSpeedZeroConfig(**zero).overlap_comm == (overlaps or stage == "zero3")


def test_the_device_is_that_of_deepspeed_s_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training on processors stays there on a machine whose GPU torch sees (DS_ACCELERATOR=cpu)."""
    from deepspeed.accelerator import set_accelerator
    from deepspeed.accelerator.cpu_accelerator import CPU_Accelerator

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    set_accelerator(CPU_Accelerator())
    assert device() == torch.device("cpu")


def test_offloading() -> None:
    assert "offload_optimizer" not in made()["zero_optimization"]
    part = made(offload="optimizer")["zero_optimization"]
    whole = made(offload="all", deepspeed="zero3")["zero_optimization"]
    assert part["offload_optimizer"]["device"] == whole["offload_param"]["device"] == "cpu"
    assert "offload_param" not in part and "offload_optimizer" in whole


@pytest.mark.parametrize(
    ("dtype", "on"), [(torch.float32, []), (torch.bfloat16, ["bf16"]), (torch.float16, ["fp16"])], ids=str
)
def test_one_precision_at_most(dtype: torch.dtype, on: list[str]) -> None:
    found = made(dtype)
    assert [name for name in ("bf16", "fp16") if found[name]["enabled"]] == on


def test_bfloat16_gradients_add_up_in_full_precision_where_there_is_a_choice() -> None:
    assert made(torch.bfloat16)["data_types"] == {"grad_accum_dtype": "fp32"}
    assert "data_types" not in made(torch.bfloat16, deepspeed="zero0")
