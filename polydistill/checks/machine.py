"""Checks of the machine: the output folder, disk space, processors and GPUs."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from polydistill.checks.problem import Problem, caught
from polydistill.engine.address import knock
from polydistill.engine.errors import UserError
from polydistill.run_config import RunConfig

COPIES = 3.0
"""Bytes of a pool for each byte of a prompt file and target language: the rows, their translations and scores."""


def output(run: RunConfig) -> list[Problem]:
    """The output folder can be written, and its disk has room for the pool."""
    found: list[Problem] = []
    if "://" in run.output:
        return found
    with caught("output", found):
        folder = _existing(Path(run.output))
        _write(folder, run.output)
        need, free = _pool_bytes(run), shutil.disk_usage(folder).free
        if need > free:
            text = f"the pool needs about {need / 1e9:,.1f} GB, and {folder} has {free / 1e9:,.1f} GB left"
            raise UserError(f"{text}. Choose another disk")
    return found


def _existing(folder: Path) -> Path:
    """The nearest folder upwards that exists."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise UserError(f"{folder} is a file, and a folder is expected. Choose another output")
    return folder


def _write(folder: Path, wanted: str) -> None:
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"{wanted}: cannot be written ({folder}: {error.strerror}). Choose another output") from error


def _pool_bytes(run: RunConfig) -> int:
    sizes = 0
    for source in run.prompts:
        path = Path(source.path)
        if "://" in source.path or not path.exists() or source.limit:
            continue
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        sizes += sum(file.stat().st_size * (3 if file.suffix == ".gz" else 1) for file in files)
    return int(sizes * COPIES * len(run.targets))


def head(address: str | None) -> list[Problem]:
    """Somebody answers at a cluster's address."""
    found: list[Problem] = []
    if address is not None:
        with caught("--address", found):
            knock(address)
    return found


def synthesis(run: RunConfig) -> list[Problem]:
    """The configured pools fit this machine. Nothing is known about a cluster before Ray is asked."""
    from polydistill.engine.synthesis.placement import STAGES, Demands, Node, size_pools

    found: list[Problem] = []
    active = STAGES if run.student else STAGES[1:]
    with caught("work", found):
        size_pools(run.work, [Node(os.cpu_count() or 1, gpus())], active, demands=Demands.of(run))
    return found


def training(run: RunConfig) -> list[Problem]:
    """The configured workers fit this machine."""
    cores, cards = os.cpu_count() or 1, gpus()
    train = run.train
    each = train.gpus if train.gpus is not None else (1.0 if cards else 0.0)
    if train.workers * each > cards:
        text = f"{train.workers} workers with {each:g} GPUs each, and this machine has {cards}. Lower train.workers"
        return [Problem("train.workers", text)]
    if train.workers * train.cpus > cores:
        text = (
            f"{train.workers} workers with {train.cpus:g} CPUs each, and this machine has {cores}. Lower train.workers"
        )
        return [Problem("train.workers", text)]
    return []


def gpus() -> int:
    """GPUs that this process may use, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
