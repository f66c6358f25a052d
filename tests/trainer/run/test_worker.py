"""Errors of a rank: which are answers, which are worth another start, what the user reads."""

from pathlib import Path
from typing import Any

import pytest
import torch

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.trainer.config import Train
from polydistill.trainer.records import Identity
from polydistill.trainer.run import rank
from polydistill.trainer.run.worker import Job, may_pass, note_name, work

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")


@pytest.fixture
def job(student: str, tmp_path: Path) -> Job:
    who = Identity({}, "token_mean", False, "m", "raw", "x")
    return Job("m", Student(model=student), Train(deepspeed="zero0"), str(tmp_path), who, "1")


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception, ranks: int = 1) -> None:
    def run(*_: Any) -> str:
        raise error

    monkeypatch.setattr(rank, "run", run)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: ranks)


def test_a_full_device_is_said_with_numbers(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, FULL)
    message = work({"job": job})["error"]
    assert message.startswith("out of memory: about ") and "GiB are needed on each device (weights " in message
    assert "Tried to allocate 2.00 GiB." in message and "GPU 0 has" not in message


@pytest.mark.parametrize("error", [UserError("no sample is left"), KeyError("modules_to_save"), FULL])
def test_ranks_that_wait_are_told(error: Exception, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rank that met it fails, so that the others stop as well. Started again, all answer with the message."""
    raising(monkeypatch, error, ranks=2)
    with pytest.raises(type(error)):
        work({"job": job})
    assert Path(job.out, note_name("1")).exists()
    assert work({"job": job})["error"] == Path(job.out, note_name("1")).read_text()


def test_an_unexpected_error_is_a_sentence_and_a_file(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyError("modules_to_save"))
    message = work({"job": job})["error"]
    assert message.startswith("training failed: KeyError: 'modules_to_save' (the whole traceback is in ")
    assert "Traceback" in Path(job.out, "failure.txt").read_text()


def test_a_lost_neighbor_is_worth_another_start(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:4711")
    raising(monkeypatch, lost)
    with pytest.raises(RuntimeError, match="closed by peer"):
        work({"job": job})
    assert not may_pass(ValueError("Connection")) and not may_pass(RuntimeError("size mismatch"))
