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


def test_the_stage_that_was_asked_for_and_that_of_a_cpu() -> None:
    student = Student(model="nowhere")
    assert _stage(student, Train(deepspeed="zero3"), CPU, torch.float32) == "zero3"
    assert _stage(student, Train(), CPU, torch.float32) == "zero2"
