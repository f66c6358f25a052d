"""Training through Ray Train: starts the ranks, shows their progress, replaces lost ones."""

import os
import sys
import threading
import uuid
from pathlib import Path

import pyarrow.fs

from polydistill.engine.config import Student
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.adapters import refuse_to_train
from polydistill.engine.progress import Count, Progress
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.artifact import Checkpoint, refuse_damaged
from polydistill.trainer.config import Train
from polydistill.trainer.identity import identity, refuse_another
from polydistill.trainer.records import TRAINING, Identity
from polydistill.trainer.run.interrupt import StoppedError, stop_on_sigterm
from polydistill.trainer.run.log import read_log
from polydistill.trainer.run.worker import Job, note_name, work

HOURS = 6
"""How long ranks wait for each other: rank 0 may convert a checkpoint or write a large model meanwhile."""


def train(
    mixture: str, student: Student, train: Train, out: str, progress: bool = True, address: str | None = None
) -> Checkpoint:
    """Train `student` on a mixture (see `engine.mixing.mix`); returns the trained model.

    Uses the Ray instance that this process is connected to, else the cluster at `address` or RAY_ADDRESS, else starts
    one. May be called from several threads at once. Called again with the same `out`, it goes on from the newest
    checkpoint, or returns what is there.

    Raises:
        UserError: wrong data or configuration, or `out` belongs to another run.
    """
    from polydistill.engine.cluster import cluster

    refuse_to_train(student.model)
    address = address or os.environ.get("RAY_ADDRESS") or None
    student = _trained_before(student, train, out, progress, address)
    refuse_damaged(student.model)
    who = identity(mixture, student, train)
    if found := _finished(out, who):
        return found
    folder = Folder.of(out)
    with exclusive(folder, "train.lock"), cluster(address):
        folder.sweep()
        _fit(mixture, student, train, out, who, progress)
    return Checkpoint.open(out)


def _trained_before(student: Student, settings: Train, out: str, progress: bool, address: str | None) -> Student:
    """The student after the trainings of `train.before`, whose folders are before-0/, before-1/, ... in the run's."""
    for index, before in enumerate(settings.before):
        folder = f"{out.rstrip('/')}/before-{index}"
        made = train(before.mixture, student, settings.stage(index), folder, progress, address)
        student = student.model_copy(update={"model": made.path})
    return student


def _finished(out: str, who: Identity) -> Checkpoint | None:
    """This very run where it is done and whole; UserError where another one is."""
    state = _state(out, who)
    if state == State.FOREIGN:
        refuse_another(who, Checkpoint.open(out).identity, out)
    return Checkpoint.open(out) if state == State.COMPLETE else None


def _state(out: str, who: Identity) -> State:
    """The folder's state; what is damaged is said, since it will be made again."""
    try:
        state = Checkpoint.state(out, who)
    except DamagedError as error:
        print(f"{error} This is being done.", file=sys.stderr)
        return State.PARTIAL
    if state == State.PARTIAL and Folder.of(out).exists(TRAINING):
        for problem in Checkpoint.open(out).verify():
            print(f"{problem} This is being done.", file=sys.stderr)
    return state


def _fit(mixture: str, student: Student, train: Train, out: str, who: Identity, progress: bool) -> None:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.config import LoggingConfig

    cluster = ray.cluster_resources()
    gpus = train.gpus if train.gpus is not None else min(1.0, cluster.get("GPU", 0))
    _check_room(train, gpus, cluster)
    launch = uuid.uuid4().hex[:8]
    absolute = out if "://" in out else os.path.abspath(out)
    job = Job(
        mixture=mixture if "://" in mixture else os.path.abspath(mixture),
        student=student.model_copy(update={"model": _absolute(student.model)}),
        train=train,
        out=absolute,
        identity=who,
        launch=launch,
    )
    trainer = TorchTrainer(
        work,
        train_loop_config={"job": job},
        torch_config=TorchConfig(backend=None if gpus else "gloo", timeout_s=HOURS * 3600),
        scaling_config=ScalingConfig(
            num_workers=train.workers, use_gpu=gpus > 0, resources_per_worker={"CPU": train.cpus, "GPU": gpus}
        ),
        run_config=RunConfig(
            name=f"train-{launch}",
            storage_path=f"{absolute}/ray",
            failure_config=FailureConfig(max_failures=train.max_failures),
            worker_runtime_env={"env_vars": _variables(train, gpus, cluster)},
            logging_config=LoggingConfig(log_level="WARNING"),
        ),
    )
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(absolute, stop), daemon=True)
    if progress:
        watcher.start()
    try:
        with stop_on_sigterm(Folder.of(absolute)) as asked:
            answer = trainer.fit().return_value or {}
    except TrainingFailedError as error:
        raise UserError(_lost(absolute, launch, train, error)) from error
    finally:
        stop.set()
        if progress:
            watcher.join()
        _clean(absolute, launch)
    if "error" in answer:
        raise UserError(answer["error"])
    if "stopped" in answer:
        raise StoppedError(f"{out}: stopped with a checkpoint. Run the same command again to go on.")
    if asked.is_set():
        raise StoppedError(f"{out}: stopped at the training's end. Run the same command again to go on.")


def _check_room(train: Train, gpus: float, cluster: dict[str, float]) -> None:
    """UserError where the cluster can never hold the workers: Ray would wait for ever, and say nothing."""
    for kind, each in (("GPU", gpus), ("CPU", train.cpus)):
        there = cluster.get(kind, 0)
        if train.workers * each > there:
            raise UserError(
                f"train.workers={train.workers} with train.{kind.lower()}s={each:g} need {train.workers * each:g} "
                f"{kind}s, and there are {there:g}: lower train.workers or train.{kind.lower()}s"
            )


def _variables(train: Train, gpus: float, cluster: dict[str, float]) -> dict[str, str]:
    """The workers' environment."""
    threads = train.threads or max(1, int(train.cpus))
    if train.offload != "none" and train.threads is None:
        threads = max(threads, int(cluster.get("CPU", 1)) // train.workers)  # AdamW runs on the CPU
    variables = {"OMP_NUM_THREADS": f"{threads}", "TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": f"{threads}"}
    # The sizes of packs differ, which leaves gaps in the memory that torch holds.
    return variables | ({"PYTORCH_ALLOC_CONF": "expandable_segments:True"} if gpus else {"DS_ACCELERATOR": "cpu"})


def _absolute(model: str) -> str:
    """Ray Train's workers have a working directory of their own; hub ids stay as they are."""
    return os.path.abspath(model) if os.path.isdir(model) else model


def _lost(out: str, launch: str, train: Train, error: Exception) -> str:
    """Why Ray gave up: what a rank has noted, or that ranks were lost too often."""
    place = Folder.of(out)
    if place.exists(note_name(launch)):
        return place.read(note_name(launch)).decode()
    last = (str(error).strip().splitlines() or [""])[-1]
    return (
        f"{out}: more ranks were lost than train.max_failures={train.max_failures} allows. "
        f"The last error: {last}. Run the same command again to continue from the newest checkpoint."
    )


def _clean(out: str, launch: str) -> None:
    """Remove what only this start needed."""
    place = Folder.of(out)
    if place.exists(note_name(launch)):
        place.filesystem.delete_file(place.join(note_name(launch)))
    if place.filesystem.get_file_info(place.join("ray")).type == pyarrow.fs.FileType.Directory:
        place.filesystem.delete_dir(place.join("ray"))


def _watch(out: str, stop: threading.Event) -> None:
    """Follow log.jsonl and show progress."""
    with Progress(f"training {Path(out).name}", None, "steps", poll=lambda: _logged(out)):
        stop.wait()


def _logged(out: str) -> Count:
    rows = read_log(Path(out) / "log.jsonl")
    if not rows:
        return Count(0)
    last = rows[-1]
    note = f"loss {last['loss']:.4f}, {last['tokens_per_second']:,.0f} tokens/s"
    return Count(len(rows), int(last["of"] or 0) or None, note)
