"""The machine against the run: folders, disks, processors."""

import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from polydistill.checks import machine
from polydistill.run_config import RunConfig


def run(folder: Path, **sections: Any) -> RunConfig:
    base = {"output": str(folder / "out/deep"), "targets": ["de", "ja"], "translate": {"model": "org/nllb"}}
    return RunConfig.model_validate({**base, "prompts": {"path": str(folder / "rows")}, **sections})


def texts(problems: list[machine.Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def test_an_output_that_is_not_there_yet(tmp_path: Path) -> None:
    assert machine.output(run(tmp_path)) == []
    assert not (tmp_path / "out").exists()  # looking leaves nothing behind
    assert machine.output(run(tmp_path, output="s3://bucket/run")) == []


def test_an_output_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    assert texts(machine.output(run(tmp_path))) == [
        f"output: {tmp_path}/out is a file, and a folder is expected. Choose another output"
    ]


def test_a_disk_without_room_for_the_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts of 3 + 1 bytes, of which the one counts thrice since it is compressed; twice for two languages."""
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows/a.json").write_bytes(b"123")
    (tmp_path / "rows/b.json.gz").write_bytes(b"1")
    need = 6 * machine.COPIES * 2
    free = namedtuple("free", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free(need))
    assert machine.output(run(tmp_path)) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free(need - 1))
    assert "Choose another disk" in texts(machine.output(run(tmp_path)))[0]
    few = run(tmp_path, prompts={"path": str(tmp_path / "rows"), "limit": 5})
    assert machine.output(few) == []


@pytest.mark.parametrize(
    ("visible", "count"), [("", 0), ("-1", 0), ("0", 1), ("0,1", 2), ("GPU-a, MIG-b", 2), ("0,-1", 1)]
)
def test_gpus_that_this_process_may_use(visible: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert machine.gpus() == count


def test_gpus_as_the_driver_lists_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: H100'\necho '  MIG 1g'\necho 'GPU 1: H100'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert machine.gpus() == 2
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert machine.gpus() == 0


def test_workers_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert machine.training(run(tmp_path, train={"workers": 2, "cpus": 2})) == []
    (cards,) = machine.training(run(tmp_path, train={"workers": 3}))
    assert str(cards) == "train.workers: 3 workers with 1 GPUs each, and this machine has 2. Lower train.workers"
    (cores,) = machine.training(run(tmp_path, train={"workers": 2, "cpus": 2.5}))
    assert str(cores) == "train.workers: 2 workers with 2.5 CPUs each, and this machine has 4. Lower train.workers"
    assert machine.training(run(tmp_path, train={"workers": 4, "gpus": 0.5})) == []
