"""Training through Ray Train: starts the ranks, shows their progress, replaces lost ones."""

import os
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from polydistill.engine.config import Student, dump, validate
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.progress import Progress
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.artifact import Checkpoint
from polydistill.trainer.config import Train
from polydistill.trainer.identity import identity, refuse_another
from polydistill.trainer.records import STOP, TRAINING, Identity
from polydistill.trainer.run.log import read_log


class StoppedError(UserError):
    """The training was asked to stop before its end, and has written a checkpoint."""


def train(mixture: str, student: Student, train: Train, out: str, progress: bool = True) -> Checkpoint:
    """Train `student` on a mixture (see `engine.mixing.mix`); returns the trained model.

    Uses the Ray instance that this process is connected to, else starts one. May be called from several threads
    at once. Called again with the same `out`, it goes on from the newest checkpoint, or returns what is there.

    Raises:
        UserError: wrong data or configuration, or `out` belongs to another run.
    """
    import ray

    who = identity(mixture, student, train)
    if found := _finished(out, who):
        return found
    own = not ray.is_initialized()
    if own:
        address = os.environ.get("RAY_ADDRESS", "local")
        ray.init(address=address, include_dashboard=False if address == "local" else None, log_to_driver=False)
    try:
        _fit(mixture, student, train, out, who, progress)
    finally:
        if own:
            ray.shutdown()
    return Checkpoint.open(out)


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
        print(f"{error} It is made again from the newest checkpoint.", file=sys.stderr)
        return State.PARTIAL
    if state == State.PARTIAL and Folder.of(out).exists(TRAINING):
        for problem in Checkpoint.open(out).verify():
            print(f"{problem}: the model is made again from its checkpoint", file=sys.stderr)
    return state


def _fit(mixture: str, student: Student, train: Train, out: str, who: Identity, progress: bool) -> None:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.config import LoggingConfig

    gpus = train.gpus if train.gpus is not None else min(1.0, ray.cluster_resources().get("GPU", 0))
    threads = str(train.threads or max(1, int(train.cpus)))
    variables = {"OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": threads}
    if not gpus:
        variables["DS_ACCELERATOR"] = "cpu"
    launch = uuid.uuid4().hex[:8]
    absolute = out if "://" in out else os.path.abspath(out)
    trainer = TorchTrainer(
        _worker,
        train_loop_config={
            "mixture": mixture if "://" in mixture else os.path.abspath(mixture),
            "student": dump(student) | {"model": _absolute(student.model)},
            "train": dump(train),
            "out": absolute,
            "identity": asdict(who),
            "launch": launch,
        },
        torch_config=TorchConfig(backend=None if gpus else "gloo"),
        scaling_config=ScalingConfig(
            num_workers=train.workers, use_gpu=gpus > 0, resources_per_worker={"CPU": train.cpus, "GPU": gpus}
        ),
        run_config=RunConfig(
            name=f"train-{launch}",
            storage_path=f"{absolute}/ray",
            failure_config=FailureConfig(max_failures=train.max_failures),
            worker_runtime_env={"env_vars": variables},
            logging_config=LoggingConfig(log_level="WARNING"),
        ),
    )
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(absolute, stop), daemon=True)
    if progress:
        watcher.start()
    try:
        with _stopping(Folder.of(absolute)):
            result = trainer.fit()
    finally:
        stop.set()
        if progress:
            watcher.join()
    answer = result.return_value or {}
    _clean(absolute, launch)
    if "error" in answer:
        raise UserError(answer["error"])
    if "stopped" in answer:
        raise StoppedError(f"{out}: stopped with a checkpoint. Run the same command again to go on.")


@contextmanager
def _stopping(place: Folder) -> Iterator[None]:
    """Meanwhile SIGTERM asks the ranks for a checkpoint and an end, where this is the process's main thread.

    Slurm, Kubernetes and spot machines send it some time before they take the machine away.
    """
    _forget_stop(place)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: place.write(STOP, b""))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _forget_stop(place)


def _forget_stop(place: Folder) -> None:
    if place.exists(STOP):
        place.filesystem.delete_file(place.join(STOP))


def _absolute(model: str) -> str:
    """Ray Train's workers have a working directory of their own; hub ids stay as they are."""
    return os.path.abspath(model) if os.path.isdir(model) else model


def _worker(config: dict[str, Any]) -> dict[str, str]:
    """What every rank does.

    An error that the user can put right is an answer, not a failure, for which Ray would start the ranks again and
    again. Where only one rank met it, the others are waiting: that rank leaves a note and fails, and when Ray has
    started all ranks anew, they find the note.
    """
    import torch

    from polydistill.trainer.distributed.ranks import AgreedError
    from polydistill.trainer.run.rank import run

    student = validate(Student, config["student"], "student")
    settings = validate(Train, config["train"], "train")
    place, note = Folder.of(config["out"]), f"failure-{config['launch']}.txt"
    if place.exists(note):
        return {"error": place.read(note).decode()}
    try:
        who = Identity(**config["identity"])
        model = run(config["mixture"], student, settings, config["out"], who)
        return {"model": model} if model else {"stopped": "yes"}
    except AgreedError as error:
        return {"error": str(error)}
    except UserError as error:
        place.write(note, str(error).encode())
        raise
    except torch.OutOfMemoryError as error:
        place.write(note, _out_of_memory(student, settings, str(error)).encode())
        raise


def _out_of_memory(student: Student, settings: Train, text: str) -> str:
    import torch

    from polydistill.trainer.run import memory

    shape = memory.shape_of(student.model, settings, student.trust_remote_code)
    need = memory.estimate(shape, settings, settings.workers, half=settings.precision != "fp32")
    there = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None
    return f"out of memory: {memory.explain(need, there)} ({text.splitlines()[0]})"


def _clean(out: str, launch: str) -> None:
    """Remove what only this start needed."""
    place = Folder.of(out)
    if place.exists(f"failure-{launch}.txt"):
        place.filesystem.delete_file(place.join(f"failure-{launch}.txt"))
    place.filesystem.delete_dir(place.join("ray"))


def _watch(out: str, stop: threading.Event) -> None:
    """Follow log.jsonl and print progress."""
    seen = 0
    with Progress(f"training {Path(out).name}", None, "steps") as progress:
        while not stop.wait(1.0):
            rows = read_log(Path(out) / "log.jsonl")
            if len(rows) > seen:
                last = rows[-1]
                progress.total = int(last["of"] or 0) or None
                note = f"loss {last['loss']:.4f}, {last['tokens_per_second']:,.0f} tokens/s"
                progress.advance(len(rows) - seen, note)
                seen = len(rows)
