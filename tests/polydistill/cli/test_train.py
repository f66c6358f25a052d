"""`polydistill train`: what it says when the configuration is wrong."""

from pathlib import Path

import pytest

from polydistill.cli.train import command
from polydistill.engine.config import load
from polydistill.engine.errors import UserError
from polydistill.run_config import TrainSections


def test_student_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--student"):
        command(tmp_path, tmp_path / "out")


def test_a_whole_runs_file_is_read_and_typing_errors_are_found(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("output: out\nsource: eng_Latn\nstudent: {model: some/model}\ntrain: {epochs: 4}\n")
    read = load(TrainSections, file, ["train.packs=8"])
    assert read.student is not None and read.student.model == "some/model"
    assert (read.train.epochs, read.train.packs) == (4, 8)
    file.write_text("trian: {epochs: 4}\n")
    with pytest.raises(UserError, match="unknown section 'trian'"):
        load(TrainSections, file)
    with pytest.raises(UserError, match="did you mean 'epochs'"):
        load(TrainSections, None, ["train.epoch=2"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.patience=2", "patience needs validation"),
        ("train.offload=all", "offload: all needs deepspeed: zero3"),
        ("train={deepspeed: zero0, offload: optimizer}", "offload needs deepspeed"),
        ("train={deepspeed: zero3, lora: {bits: 4}}", "use zero2"),
    ],
)
def test_settings_that_contradict_each_other(setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(TrainSections, None, [setting])
