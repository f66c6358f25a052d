"""One rank of a small process group, started as a script by the tests: `worker.py TASK JSON SECONDS`."""

import faulthandler
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from polydistill.engine.config import Student, validate
from polydistill.engine.errors import UserError
from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.data.feed import Feed, Pass
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.samples import Samples
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.distributed import deepspeed_engine
from polydistill.trainer.identity import identity
from polydistill.trainer.model import attention
from polydistill.trainer.model.load import load
from polydistill.trainer.records import TokensRecord
from polydistill.trainer.run import loop, rank
from polydistill.trainer.run.train_step import train_step


def gradients(job: dict[str, Any]) -> None:
    """The first step's loss and gradients for each case, as DeepSpeed holds them before the update."""
    from deepspeed.utils import safe_get_full_grad
    from torch.nn.attention import flex_attention
    from transformers import AutoTokenizer

    # FlexAttention's dense form has a gradient on CPUs too, but torch refuses it there, and so does `choose`.
    flex_attention._validate_device = lambda *_: None
    attention.choose = lambda wanted, *_: wanted
    tokenizer = AutoTokenizer.from_pretrained(job["student"])
    for number, case in enumerate(job["cases"]):
        train = validate(Train, case, "case")
        place = Folder.of(job["tokens"])
        samples = Samples.open(place, read_record(place, "manifest.json", TokensRecord))
        weighing = Weighing(train.objective, train.mean_over, train.denominator, np.ones(3))
        plan = Plan(samples, np.arange(len(samples.length)), train, weighing)
        feed = Feed(plan, dist.get_rank(), dist.get_world_size())
        settings = deepspeed_engine.settings(train, feed.rounds, torch.float32)
        torch.manual_seed(0)
        packed = load(Student(model=job["student"]), train, torch.device("cpu"), torch.float32, tokenizer, settings)
        engine = deepspeed_engine.start(packed, train, settings)
        found: dict[str, torch.Tensor] = {}
        step = engine.step

        def look(engine: Any = engine, found: dict[str, torch.Tensor] = found, step: Any = step) -> None:
            if engine.is_gradient_accumulation_boundary():
                for name, parameter in engine.module.named_parameters():
                    found[name.removeprefix("model.")] = safe_get_full_grad(parameter).clone()
            step()

        engine.step = look
        figures = train_step(engine, feed, 0, 1e-3)
        dist.all_reduce(figures.sums)
        if dist.get_rank() == 0:
            result = {"loss": figures.sums[0], "norm": torch.tensor(figures.grad_norm), **found}
            torch.save(result, os.path.join(job["out"], f"{number}.pt"))
        engine.destroy()


def train(job: dict[str, Any]) -> None:
    """Whole runs, as the trainer does them."""
    for run in job["runs"]:
        settings = validate(Train, run["train"], "train")
        student = Student(model=run.get("student", job["student"]), prompt=run.get("prompt", "alpaca"))
        stop = run.get("stop")
        if stop is not None:
            _stop_after(stop)
        try:
            mixture = run.get("mixture", job["mixture"])
            rank.run(mixture, student, settings, run["out"], identity(mixture, student, settings))
        except StopHere:
            dist.barrier()
        except UserError as error:
            (Path(run["out"]) / "error.txt").write_text(str(error))
        loop.train_step = train_step


def seen(job: dict[str, Any]) -> None:
    """A whole run; `seen-RANK.json` lists (step, row ids) of every pack that this rank has trained on."""
    found: list[tuple[int, list[str]]] = []
    passes = Feed.step

    def look(feed: Feed, step: int) -> Iterator[Pass]:
        for part in passes(feed, step):
            if not part.empty:
                found.append((step, [feed.plan.samples.row_id(int(number)) for number in part.numbers]))
            yield part

    settings, student = validate(Train, job["train"], "train"), Student(model=job["student"])
    rank._check = lambda *_: 0.0  # looks at a few samples before the first step
    Feed.step = look  # type: ignore[method-assign]
    rank.run(job["mixture"], student, settings, job["out"], identity(job["mixture"], student, settings))
    Path(job["out"], f"seen-{dist.get_rank()}.json").write_text(json.dumps(found))


class StopHere(Exception):
    """The crash that a test wants."""


def _stop_after(step: int) -> None:
    def until(engine: Any, feed: Feed, number: int, rate: float) -> Any:
        if number == step:
            raise StopHere
        return train_step(engine, feed, number, rate)

    loop.train_step = until


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[3]), exit=True)  # a rank that hangs says where
    torch.set_num_threads(1)
    deepspeed_engine.prepare()
    dist.init_process_group("gloo")
    {"gradients": gradients, "train": train, "seen": seen}[sys.argv[1]](json.loads(sys.argv[2]))
    dist.destroy_process_group()
    # DeepSpeed holds gloo's threads, one of which may still be letting go of the last collective's tensors. Where
    # Python 3.11 is already being taken down then, C++ ends the process with an abort (pytorch pull request 179291).
    sys.stdout.flush()
    os._exit(0)
