"""What is damaged is passed over or made again, and the result is the undamaged run's, to the bit."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from polydistill.engine.errors import UserError
from polydistill.engine.storage.artifact import State
from polydistill.inspection.describe import describe
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.records import STOP
from tests.trainer.run.conftest import Training, losses, weights

pytestmark = pytest.mark.slow


def same(one: Path, other: Path) -> bool:
    """Losses and weights to the bit."""
    ours, theirs = weights(one), weights(other)
    return losses(one) == losses(other) and all(torch.equal(ours[name], theirs[name]) for name in ours)


def checkpoints(out: Path) -> list[str]:
    return sorted(path.parent.name for path in out.glob("checkpoints/*/done.json"))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def whole(trained: Training, runs: Path) -> Path:
    """A finished run of four steps."""
    if not (runs / "whole").exists():
        trained(runs / "whole")
    return runs / "whole"


@pytest.fixture
def stopped(trained: Training, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run with checkpoints after one, two and three of its four steps; then it was asked to stop."""
    from polydistill.trainer.run.loop import Loop

    if not (runs / "stopped").exists():
        with monkeypatch.context() as patch:
            patch.setattr(Loop, "_stop_is_asked", lambda loop: loop.progress.step == 3)
            assert trained(runs / "stopped", checkpoint_steps=1, keep=3) is None
    shutil.copytree(runs / "stopped", tmp_path / "stopped")
    return tmp_path / "stopped"


def test_a_run_that_was_stopped_goes_on(trained: Training, whole: Path, stopped: Path) -> None:
    assert Checkpoint.state(str(stopped)) == State.PARTIAL
    assert checkpoints(stopped) == ["000001", "000002", "000003"]
    assert trained(stopped) == f"{stopped}/model" and same(stopped, whole)
    assert checkpoints(stopped) == ["000004"]  # what the model can be made again from


def test_a_request_to_stop_is_a_file(trained: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polydistill.trainer.run import loop

    monkeypatch.setattr(loop, "LOOK_SECONDS", 0)
    (tmp_path / STOP).touch()
    assert trained(tmp_path) is None
    assert checkpoints(tmp_path) == ["000001"]


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "optimizer flipped": ("*optim_states.pt", flip),
    "weights cut": ("mp_rank*.pt", cut),
    "weights gone": ("mp_rank*.pt", Path.unlink),
    "record cut": ("done.json", cut),
    "record emptied": ("done.json", lambda path: path.write_text("")),
    "record of something else": ("done.json", lambda path: path.write_text("[]")),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_the_newest_checkpoint_that_is_whole_is_taken(
    name: str, trained: Training, whole: Path, stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern, damage = DAMAGE[name]
    (target,) = (stopped / "checkpoints" / "000003").glob(pattern)
    damage(target)
    trained(stopped)
    assert same(stopped, whole)
    message = capsys.readouterr().err
    assert str(target) in message and "An older checkpoint is used" in message


def test_all_checkpoints_damaged(trained: Training, whole: Path, stopped: Path) -> None:
    for path in stopped.glob("checkpoints/*/mp_rank*.pt"):
        cut(path)
    trained(stopped)
    assert same(stopped, whole)


def test_a_damaged_log_costs_its_lines_only(
    trained: Training, whole: Path, stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (stopped / "log.jsonl").read_text().splitlines(keepends=True)
    (stopped / "log.jsonl").write_text("".join([lines[0], lines[1][:20] + "\n", lines[2]]))
    trained(stopped)
    assert losses(stopped) == [loss for step, loss in enumerate(losses(whole), 1) if step != 2]
    assert "log.jsonl: line 2 is damaged" in capsys.readouterr().err
    ours, theirs = weights(stopped), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_tokens_are_made_again(damage: Callable[[Path], object], trained: Training, whole: Path, stopped: Path) -> None:
    damage(stopped / "tokens" / "000001.arrow")
    trained(stopped)
    assert same(stopped, whole)


def test_a_finished_model_is_verified_and_made_again(trained: Training, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    target = tmp_path / "copy" / "model" / "model.safetensors"
    flip(target)
    checkpoint = Checkpoint.open(str(tmp_path / "copy"))
    (problem,) = checkpoint.verify()
    assert problem.startswith(f"{target}: damaged (its content is not what was written). Run `polydistill train`")
    assert Checkpoint.state(str(tmp_path / "copy")) == State.PARTIAL
    trained(tmp_path / "copy")
    assert same(tmp_path / "copy", whole) and not Checkpoint.open(str(tmp_path / "copy")).verify()
    assert Checkpoint.state(str(tmp_path / "copy"), checkpoint.identity) == State.COMPLETE


def test_another_student_at_the_same_path_is_noticed(
    trained: Training, stopped: Path, student: str, tmp_path: Path
) -> None:
    """A copy of the student is the student; other weights under its path are not."""
    shutil.copytree(student, tmp_path / "student")
    flip(tmp_path / "student" / "model.safetensors")
    with pytest.raises(UserError, match=r"made by another training:\n  model: was '\w+', now"):
        trained(stopped, model=str(tmp_path / "student"))
    shutil.copy(Path(student) / "model.safetensors", tmp_path / "student")
    trained(stopped, model=str(tmp_path / "student"))


def test_other_users_may_read_the_weights(whole: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    for path in (whole / "model").iterdir():
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_inspect_of_a_trained_folder(whole: Path, student: str) -> None:
    found = describe(str(whole))
    assert found == describe(f"{whole}/model") and found.values()["training"]["ranks"] == 1
    out = found.text()
    assert f"trained 4 steps on 1 ranks from {student} (" in out and "last step step 4, of 4, loss " in out
    assert json.loads(json.dumps(found.values()))["kind"] == "checkpoint"


def test_new_tokens_with_adapters(trained: Training, tmp_path: Path, student: str) -> None:
    """Adapter and merged model, in new rows and in rows that the embeddings had to spare."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(student)
    before = model.get_input_embeddings().num_embeddings
    model.resize_token_embeddings(before + 8)
    with torch.no_grad():
        model.get_input_embeddings().weight[before:] = 0
    model.save_pretrained(tmp_path / "spare")
    AutoTokenizer.from_pretrained(student).save_pretrained(tmp_path / "spare")
    lora = {"rank": 4, "alpha": 8}
    for base, rows in ((student, before + 1), (str(tmp_path / "spare"), before + 8)):
        out = tmp_path / f"out{rows}"
        trained(out, model=base, lora=lora, new_tokens=["<new>"], steps=1)
        made = AutoModelForCausalLM.from_pretrained(out / "model")
        assert made.get_input_embeddings().weight.shape[0] == rows
        known = AutoModelForCausalLM.from_pretrained(student).get_input_embeddings().weight
        assert torch.allclose(made.get_input_embeddings().weight[before], known.mean(0), atol=0.01)
        assert AutoTokenizer.from_pretrained(out / "model").convert_tokens_to_ids("<new>") == before


def test_adapters_alone(trained: Training, tmp_path: Path) -> None:
    """`lora.merge: false`: the finished run names the adapter, now and when it is asked again."""
    path = trained(tmp_path, lora={"rank": 4, "merge": False}, steps=1)
    assert path == f"{tmp_path}/adapter" == Checkpoint.open(str(tmp_path)).path
    assert (tmp_path / "adapter" / "adapter_config.json").exists() and not (tmp_path / "model").exists()
