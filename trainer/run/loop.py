"""The steps between the start (or a checkpoint) and the end, with what happens now and then."""

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.distributed as dist

from polydistill.engine.storage.shards import Folder
from polydistill.trainer.data.feed import Feed
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.distributed import checkpoint
from polydistill.trainer.distributed.engine import Engine
from polydistill.trainer.distributed.ranks import rank_zero_says
from polydistill.trainer.records import STOP, Best, Identity, Progress, Row, Validation
from polydistill.trainer.run import learning_rate, memory
from polydistill.trainer.run.log import Log
from polydistill.trainer.run.train_step import Figures, train_step, validate

LOOK_SECONDS = 1.0
"""A request to stop is looked for so often at most: the folder may be far away."""


@dataclass
class Loop:
    """The steps of one run.

    Attributes:
        held: the held-out samples, None without validation.
        place: the run's folder.
        progress: where it begins; after `run`, where it ended.
        names: the subsets' names, by number.
        keep_model: writes the model after some steps, in addition to the checkpoint.
    """

    engine: Engine
    plan: Plan
    held: Plan | None
    place: Folder
    progress: Progress
    identity: Identity
    log: Log
    names: list[str]
    stage: str
    keep_model: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        self.train, self.device = self.plan.train, self.engine.device
        self.checkpoints = self.place / "checkpoints"
        fixed = self.train.learning_rate
        self.peak = (
            learning_rate.automatic(self.plan.answer_tokens_per_step, self.train.lora is not None)
            if fixed == "auto"
            else fixed
        )
        self.feed = Feed(self.plan, dist.get_rank(), dist.get_world_size(), self.device.type == "cuda")
        self.waiting: list[tuple[int, float, Figures]] = []
        self.saved = self.since = self.looked = time.monotonic()

    def run(self) -> bool:
        """Train to the end; the engine then holds the best weights, or the last ones without validation.

        Returns:
            Whether the end was reached. False: it was asked to stop, and a checkpoint has been written.
        """
        train, steps = self.train, self.plan.steps
        for step in range(self.progress.step, steps):
            if self.progress.bad and self.progress.bad == train.patience:
                break
            rate = self.peak * learning_rate.factor(step, steps, train.schedule, train.warmup)
            self.waiting.append((step, rate, train_step(self.engine, self.feed, step, rate)))
            self.progress = replace(self.progress, step=step + 1)
            last = step + 1 == steps
            time_is_up, stop = rank_zero_says(self._time_is_up(), self._stop_is_asked(), self.device)
            regular = last or bool(train.checkpoint_steps and (step + 1) % train.checkpoint_steps == 0)
            due = regular or stop or time_is_up
            every = train.validate_steps or self.plan.steps_per_epoch
            if self.held and (last or (step + 1) % every == 0):
                due |= self._validate()
            if due or len(self.waiting) >= train.log_steps:
                self._write()
            if due:
                self._save()
            if regular and self.keep_model:
                self.keep_model(step + 1)
            if stop and not last:
                return False
        best = self.progress.best
        if best and best.step != self.progress.step:
            checkpoint.load(self.engine, self.checkpoints, checkpoint.read(self.checkpoints, best.step))
        return True

    def _time_is_up(self) -> bool:
        minutes = self.train.checkpoint_minutes
        return minutes is not None and time.monotonic() - self.saved > 60 * minutes

    def _stop_is_asked(self) -> bool:
        if dist.get_rank() or time.monotonic() - self.looked < LOOK_SECONDS:
            return False
        self.looked = time.monotonic()
        return self.place.exists(STOP)

    def _validate(self) -> bool:
        """Measure the validation loss; whether it is the best so far. A loss that is no number never is."""
        assert self.held is not None
        loss, before = validate(self.engine, self.held, self.device), self.progress
        found = Validation(before.step, loss if math.isfinite(loss) else None)
        better = math.isfinite(loss) and (before.best is None or loss < before.best.loss)
        self.progress = replace(
            before,
            validation=(*before.validation, found),
            best=Best(before.step, loss) if better else before.best,
            bad=0 if better else before.bad + 1,
        )
        return better

    def _save(self) -> None:
        self.log.publish()
        checkpoint.save(self.engine, self.checkpoints, self.progress, self.identity, self.stage, self.train.keep)
        self.saved = time.monotonic()

    def _write(self) -> None:
        """Gather the waiting steps' figures from all ranks and log them."""
        counts = torch.from_numpy(np.stack([figures.counts for _, _, figures in self.waiting]))
        sums = torch.stack([figures.sums for _, _, figures in self.waiting])
        table = torch.cat([sums, counts.to(self.device)], dim=1)
        dist.all_reduce(table)
        if self.train.nonfinite == "skip":
            skipped: list[list[str]] = [[]] * dist.get_world_size()
            dist.all_gather_object(skipped, [row for _, _, figures in self.waiting for row in figures.skipped])
            all_skipped = (*self.progress.skipped, *itertools.chain.from_iterable(skipped))
            self.progress = replace(self.progress, skipped=all_skipped)
        seconds, self.since = time.monotonic() - self.since, time.monotonic()
        tokens = sum(figures.tokens for _, _, figures in self.waiting)
        answers = sum(figures.answer_tokens for _, _, figures in self.waiting)
        speed: Row = {
            "tokens_per_second": tokens / seconds,
            "answer_tokens_per_second": answers / seconds,
            "mfu": memory.mfu(self.engine.module.model, tokens / seconds, self.plan, self.device),
            "memory_gib": memory.used(self.device),
        }
        rows = [
            self._row(step, rate, figures, row.tolist()) | speed
            for (step, rate, figures), row in zip(self.waiting, table)
        ]
        self.waiting = []
        self.log.write(rows)

    def _row(self, step: int, rate: float, figures: Figures, sums: list[float]) -> Row:
        count = len(self.names)
        validated = [v.loss for v in self.progress.validation if v.step == step + 1]
        return {
            "step": step + 1,
            "of": self.plan.steps,
            "loss": sums[0],
            **{
                f"loss/{name}": sums[1 + i] / sums[1 + count + i]
                for i, name in enumerate(self.names)
                if sums[1 + count + i]
            },
            **({"validation_loss": validated[0]} if validated else {}),
            "learning_rate": rate,
            # fp16's first steps may overflow and are taken back: JSON knows no infinity.
            "grad_norm": figures.grad_norm if math.isfinite(figures.grad_norm) else None,
            "tokens": figures.tokens,
            "answer_tokens": figures.answer_tokens,
            "fill": figures.tokens / (figures.packs * self.train.max_tokens),
        }
