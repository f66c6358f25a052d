"""Figures of a run: log.jsonl always, TensorBoard and others when asked."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow.fs

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.records import Row


class Log:
    """Writes one record for each step to log.jsonl in `place` and its numbers to the chosen loggers, on rank 0."""

    def __init__(
        self, place: Folder, loggers: Sequence[str], config: Mapping[str, object], after_step: int, rank: int = 0
    ) -> None:
        self.curve: list[Row] = []
        self._sinks: list[Sink] = []
        self._rank = rank
        if rank:
            return
        folder = local_folder(place)
        os.makedirs(folder, exist_ok=True)
        self._path, self._place = Path(folder) / "log.jsonl", place
        if folder != place.root and place.exists("log.jsonl"):
            self._path.write_bytes(place.read("log.jsonl"))
        # What a broken run logged after its last checkpoint is about to be done again.
        self.curve = [r for r in read_log(self._path) if int(r["step"] or 0) <= after_step]
        self._path.write_text("".join(json.dumps(record) + "\n" for record in self.curve))
        self._sinks = [_SINKS[name](folder, config, after_step) for name in loggers]

    def write(self, records: list[Row]) -> None:
        """Append records, each with its `step` (1-based) and numbers."""
        if self._rank:
            return
        self.curve += records
        with self._path.open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        for sink in self._sinks:
            for record in records:
                sink.write({k: v for k, v in record.items() if isinstance(v, int | float)}, int(record["step"] or 0))

    def close(self) -> None:
        """After the last step: what the loggers still hold is written."""
        if not self._rank:
            for sink in self._sinks:
                sink.close()

    def publish(self) -> None:
        """Bring the log to the run's folder where that is on another machine's file system."""
        if not self._rank and str(self._path) != self._place.join("log.jsonl"):
            self._place.write("log.jsonl", self._path.read_bytes())


def local_folder(place: Folder) -> str:
    """`place` itself where this machine can write files there, else a folder that stands for it here."""
    if isinstance(place.filesystem, pyarrow.fs.LocalFileSystem):
        return place.root
    key = hashlib.sha256(place.root.encode()).hexdigest()[:16]
    return os.path.join(tempfile.gettempdir(), f"polydistill-{key}")


def read_log(path: Path) -> list[Row]:
    """The rows of a log. Broken lines are left out; but for the last one, which a crash may cut, that is said."""
    rows: list[Row] = []
    lines = path.read_bytes().decode(errors="replace").splitlines(keepends=True) if path.exists() else []
    for number, line in enumerate(lines, 1):
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif number < len(lines):
            print(f"{path}: line {number} is damaged. The figures of one step are lost", file=sys.stderr)
    return rows


def _row(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if line.endswith("\n") and isinstance(row, dict) and isinstance(row.get("step"), int) else None


class Sink(Protocol):
    """A logger: another place that figures go to."""

    def write(self, numbers: dict[str, float], step: int) -> None:
        """Write the figures of one step."""

    def close(self) -> None:
        """After the last step."""


class _TensorBoard:
    def __init__(self, folder: str, config: Mapping[str, object], after_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(os.path.join(folder, "tensorboard"), purge_step=after_step + 1, flush_secs=30)

    def write(self, numbers: dict[str, float], step: int) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(f"train/{name}", value, step)

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, folder: str, config: Mapping[str, object], after_step: int) -> None:
        try:
            import wandb
        except ImportError as error:
            raise UserError("train.loggers: wandb is not installed (pip install wandb)") from error
        settings = {"project": "polydistill", "name": Path(folder).name, "dir": folder, "config": config}
        self._run = wandb.init(id=_known(folder, "wandb"), resume="allow", **settings)
        _remember(folder, "wandb", self._run.id)

    def write(self, numbers: dict[str, float], step: int) -> None:
        self._run.log(numbers, step=step)

    def close(self) -> None:
        self._run.finish()


class _Mlflow:
    def __init__(self, folder: str, config: Mapping[str, object], after_step: int) -> None:
        try:
            import mlflow
        except ImportError as error:
            raise UserError("train.loggers: mlflow is not installed (pip install mlflow)") from error
        known, self._mlflow = _known(folder, "mlflow"), mlflow
        run = mlflow.start_run(run_id=known, run_name=None if known else Path(folder).name)
        if not known:
            mlflow.log_params(config)
        _remember(folder, "mlflow", run.info.run_id)

    def write(self, numbers: dict[str, float], step: int) -> None:
        # Its file store makes folders of slashes, and cannot have both loss/LL and loss.
        self._mlflow.log_metrics({name.replace("/", "."): value for name, value in numbers.items()}, step=step)

    def close(self) -> None:
        self._mlflow.end_run()


def _known(folder: str, logger: str) -> str | None:
    """The id under which this run was logged before, so that it goes on there after a crash."""
    path = Path(folder) / f"{logger}-run.txt"
    return path.read_text() if path.exists() else None


def _remember(folder: str, logger: str, run: str) -> None:
    (Path(folder) / f"{logger}-run.txt").write_text(run)


_SINKS: dict[str, Callable[[str, Mapping[str, object], int], Sink]] = {
    "tensorboard": _TensorBoard,
    "wandb": _Wandb,
    "mlflow": _Mlflow,
}
