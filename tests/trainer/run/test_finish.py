"""The folder that training leaves, and models that are kept on the way."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from polydistill.engine.config import Student
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.config import Train
from polydistill.trainer.publish import hub
from polydistill.trainer.records import Best
from polydistill.trainer.run import finish as finishing
from polydistill.trainer.run.finish import finish
from tests.trainer.publish.test_model_card import RECORD
from tests.trainer.run.conftest import Training


@pytest.fixture
def engine(student: str) -> Any:
    """What is read of DeepSpeed's engine around an unsharded model."""
    from transformers import AutoModelForCausalLM

    module = torch.nn.Module()
    module.model = AutoModelForCausalLM.from_pretrained(student)
    return SimpleNamespace(module=module, zero_optimization_stage=lambda: 0)


def test_a_finished_run_verifies_and_keeps_what_it_can_be_made_again_from(
    engine: Any, one_rank: None, student: str, mixture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    pushed = []
    monkeypatch.setattr(finishing, "push", lambda *names: pushed.append(names))
    for step in (400, 800, 1000, 1200):
        (tmp_path / "checkpoints" / f"{step:06}").mkdir(parents=True)
        (tmp_path / "checkpoints" / f"{step:06}" / "done.json").touch()
    tokenizer, base = AutoTokenizer.from_pretrained(student), Student(model=student, prompt="raw")
    source, train = Mixture.open(mixture).record, Train(hub="me/mine")
    assert finish(engine, tokenizer, base, train, Folder.of(tmp_path), source, RECORD) == "model"
    done = Checkpoint.open(str(tmp_path))
    assert done.path == f"{tmp_path}/model" and not done.verify() and done.record.best == Best(800, 0.5)
    assert {"model/model.safetensors", "model/config.json"} <= set(done.record.files)
    assert (tmp_path / "model" / "README.md").exists()  # for people, who may change it
    assert sorted(path.parent.name for path in tmp_path.glob("checkpoints/*/done.json")) == ["000800", "001200"]
    assert pushed == [(f"{tmp_path}/model", "me/mine")] and hub.push is not finishing.push


@pytest.mark.slow
def test_models_on_the_way(trained: Training, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    trained(tmp_path, checkpoints="hf")
    assert sorted(path.name for path in (tmp_path / "steps").iterdir()) == ["000002", "000004"]
    parts = ("steps/000002/model", "steps/000004/model", "model")
    half, end, model = (load_file(tmp_path / part / "model.safetensors") for part in parts)
    assert all(torch.equal(end[name], model[name]) for name in model)
    assert not all(torch.equal(half[name], model[name]) for name in model)
