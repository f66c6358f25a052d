import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.planning.shapes import student_shape
from polydistill.trainer.config import Lora, Train


def test_a_model_that_is_here_tells_its_shape(tiny):
    shape, origin = student_shape(Student(model=f"{tiny}/models/student"), Train())
    assert 0 < shape.parameters < 20e6 and "configuration" in origin


def test_another_has_the_usual_shape_of_its_size():
    shape, origin = student_shape(Student(model="meta-llama/Llama-2-7b-hf"), Train())
    assert (shape.layers, shape.hidden, shape.parameters) == (32, 4096, 7_000_000_000)
    assert "usual shape of 7B parameters" in origin
    adapters, _ = student_shape(Student(model="meta-llama/Llama-2-7b-hf"), Train(lora=Lora(rank=16)))
    assert adapters.trained == pytest.approx(40e6, rel=0.1)  # peft says 39,976,960 for all-linear
    with pytest.raises(UserError, match="its name does not tell its size"):
        student_shape(Student(model="org/model"), Train())
