"""What a rank decides before it loads the model."""

import pytest
import torch

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.trainer.config import Train
from polydistill.trainer.run.rank import _dtype, _stage

CPU = torch.device("cpu")


def test_precision_on_a_cpu() -> None:
    assert _dtype(Train(), CPU) == torch.float32 and _dtype(Train(precision="bf16"), CPU) == torch.bfloat16
    with pytest.raises(UserError, match=r"train\.precision=fp16 needs a GPU"):
        _dtype(Train(precision="fp16"), CPU)


@pytest.mark.parametrize(("emulated", "wanted"), [(False, torch.bfloat16), (True, torch.float32)])
def test_bfloat16_that_a_gpu_emulates_is_not_taken(
    emulated: bool, wanted: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch counts a Turing card among those with bfloat16 unless it is asked about the hardware."""
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or not emulated
    )
    assert _dtype(Train(), torch.device("cuda")) == wanted


def test_the_stage_that_was_asked_for_and_that_of_a_cpu() -> None:
    student = Student(model="nowhere")
    assert _stage(student, Train(deepspeed="zero3"), CPU, torch.float32) == "zero3"
    assert _stage(student, Train(), CPU, torch.float32) == "zero2"
