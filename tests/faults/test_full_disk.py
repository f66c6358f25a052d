"""A disk that is full while mixing, training or evaluating: one sentence, nothing half; with room, the same bytes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polydistill.cli.errors import sentence
from polydistill.engine.config import Student, validate
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.trainer.config import Train
from polydistill.trainer.identity import identity
from polydistill.trainer.run.worker import Job, work
from tests.engine.mixture_fixture import write_mixture
from tests.engine.pool_fixture import row, write_run
from tests.eval.conftest import world  # noqa: F401 (a fixture)
from tests.eval.stand_in import STUDENT, StandIn, config
from tests.trainer.conftest import rows, write_student

Mount = Callable[[str], Path]


def contents(folder: Path) -> dict[str, bytes]:
    times = ("run.lock", "pace.json")
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in times]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def full(act: Callable[[], object]) -> None:
    """`act` ends with the one sentence about the disk."""
    with pytest.raises(OSError, match="No space left") as error:
        act()
    assert "The disk is full. What is done stays: run the same command again" in str(sentence(error.value))


def test_mixing(small_disk: Mount, tmp_path: Path) -> None:
    many = [row(i, "deu_Latn", truth=f"{i} " * 200) for i in range(300)]
    run = write_run(tmp_path / "run", {"deu_Latn": many}, unit_rows=100)
    whole = tmp_path / "whole"
    mix(run, load_recipe("sft"), whole)
    out = small_disk("40k") / "out"
    full(lambda: mix(run, load_recipe("sft"), out))
    assert not contents(out)
    small_disk("4m")
    mix(run, load_recipe("sft"), out)
    assert contents(out) == contents(whole)


@pytest.mark.slow
def test_evaluation(small_disk: Mount, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from polydistill.eval.run import evaluate

    models = {"gold": str(world / "models/gold"), "half": str(world / "models/half")}

    def act(out: Path) -> None:
        evaluate(models, config(world), STUDENT, str(out), StandIn)

    act(world / "whole")
    out = small_disk("24k") / "out"
    full(lambda: act(out))
    assert not [name for name in contents(out) if ".tmp-" in name]
    small_disk("8m")
    act(out)
    assert contents(out) == contents(world / "whole")


@pytest.mark.slow
def test_training(small_disk: Mount, one_rank: None, tmp_path: Path) -> None:
    student = Student(model=write_student(tmp_path / "student"), prompt="raw")
    mixture = write_mixture(tmp_path / "mixture", rows(70))
    values: dict[str, Any] = {"steps": 3, "max_tokens": 512, "packs": 2, "learning_rate": 0.003, "loggers": []}
    train = validate(Train, values | {"checkpoint_steps": 1, "checkpoint_minutes": None, "log_steps": 1}, "train")

    def act(out: Path) -> dict[str, str]:
        return work({"job": Job(mixture, student, train, str(out), identity(mixture, student, train), "1")})

    assert act(tmp_path / "whole") == {"model": f"{tmp_path}/whole/model"}
    for size in ("8k", "300k"):  # the tokens, then a checkpoint
        out = small_disk(size) / "out"
        message = act(out)["error"]
        assert "the disk is full" in message and "run the same command again" in message, message
    small_disk("20m")
    assert act(out) == {"model": f"{out}/model"}
    weights = "model/model.safetensors"
    assert (out / weights).read_bytes() == (tmp_path / "whole" / weights).read_bytes()
    curves = [json.loads((one / "training.json").read_text())["curve"] for one in (out, tmp_path / "whole")]
    assert [step["loss"] for step in curves[0]] == [step["loss"] for step in curves[1]]
