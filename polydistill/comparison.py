"""Comparing methods: several recipes, seeds and learning rates on one pool, evaluated against the base model."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polydistill.engine import screen
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.progress import Count, Progress
from polydistill.engine.storage.shards import Folder
from polydistill.run import Run
from polydistill.trainer.records import TRAINING
from polydistill.trainer.run.log import read_log


@dataclass(frozen=True)
class Arm:
    """One training of a comparison."""

    recipe: str
    seed: int
    learning_rate: float | None = None  # None: the run's
    epochs: float | None = None  # passes over the mixture in place of the run's steps. None: the run's budget

    @property
    def name(self) -> str:
        """sdrrl/seed0, and behind it what differs from the run, e.g. -lr5e-05. The part before / is the method."""
        rate = f"-lr{self.learning_rate:g}" if self.learning_rate else ""
        return f"{Path(self.recipe).stem}/seed{self.seed}{rate}" + (f"-epochs{self.epochs:g}" if self.epochs else "")

    @property
    def changes(self) -> dict[str, float | None]:
        """Settings of `train` that differ from the run's."""
        rate = {"learning_rate": self.learning_rate} if self.learning_rate else {}
        return rate | ({"steps": None, "epochs": self.epochs} if self.epochs else {})


def arms(
    run: Run,
    recipes: Sequence[str],
    seeds: int,
    learning_rates: Sequence[float] = (),
    top: int | None = None,
    baseline: str | None = None,
    epochs: float | None = None,
) -> list[Arm]:
    """All trainings of a comparison, the baseline's first.

    Raises:
        UserError: an unknown recipe or baseline, or `top` without validation data.
    """
    from polydistill.engine.mixing.recipe import load_recipe

    if epochs is not None and epochs <= 0:
        raise UserError(f"--epochs {epochs:g}: expected a number above 0, e.g. 3")
    if top and not run.config.train.validation:
        raise UserError("--top needs validation data to choose by: --set train.validation=0.05")
    names = list(recipes)
    for name in names:
        load_recipe(name)
    if baseline is not None:
        if baseline not in names:
            raise UserError(f"--baseline {baseline} is none of the compared recipes ({', '.join(names)})")
        names.sort(key=lambda name: name != baseline)
    rates: list[float | None] = list(learning_rates) or [None]
    return [Arm(recipe, seed, rate, epochs) for seed in range(seeds) for rate in rates for recipe in names]


def compare(
    run: Run,
    recipes: Sequence[str] = ("sft", "t_sft", "sdrrl"),
    seeds: int = 3,
    learning_rates: Sequence[float] = (),
    top: int | None = None,
    baseline: str | None = None,
    epochs: float | None = None,
    jobs: int = 1,
    evaluate: Callable[[dict[str, str]], Any] | None = None,
) -> Any:
    """Mix, train and evaluate several recipes on one run's pool. A stopped comparison continues where it was.

    Args:
        run: a run whose pool is complete.
        recipes: names or YAML files of recipes.
        seeds: trainings of each recipe and learning rate. A seed decides everything that is random.
        learning_rates: peak rates to try, default: the run's.
        top: evaluate only the `top` trainings of each recipe, chosen by validation loss.
        baseline: recipe that the others are tested against, default: the first.
        epochs: passes of every training over its own mixture (equal epochs, as in the papers), default: the run's
            budget, which is equal optimizer steps where `train.steps` is set.
        jobs: trainings at once.
        evaluate: what to do with the trained models (name -> folder), default: `run.evaluate` into the run's folder
            `eval`, or `eval-epochsN`.

    Returns:
        What `evaluate` returns.

    Raises:
        UserError: an unknown recipe or baseline, `top` without validation data, an incomplete pool.
    """
    trainings = arms(run, recipes, seeds, learning_rates, top, baseline, epochs)
    require(run, recipes, evaluated=evaluate is None)
    models = train_arms(run, trainings, jobs)
    chosen = best(models, top) if top else models
    screen.step("evaluating")
    return evaluate(chosen) if evaluate else run.evaluate(chosen, scores_folder(epochs))


def require(run: Run, recipes: Sequence[str], evaluated: bool = True, address: str | None = None) -> None:
    """Check what a comparison needs, and show notes.

    Args:
        recipes: the recipes that are compared.
        evaluated: whether their models are evaluated on the run's benchmarks.
        address: Ray cluster that they are trained on. Default: this machine.

    Raises:
        UserError: there is no pool, or at least one problem. The message has all of those.
    """
    run.require(["mix", "train", *(["eval"] if evaluated else [])], recipes, address)
    _ = run.pool  # raises where there is none


def scores_folder(epochs: float | None) -> str:
    """Folder of a budget's scores, in the run's."""
    return f"eval-epochs{epochs:g}" if epochs else "eval"


def train_arms(run: Run, arms: Sequence[Arm], jobs: int) -> dict[str, str]:
    """Mix and train every arm, `jobs` at once. Returns name -> model folder."""
    screen.step("mixing")
    mixtures = []
    with Progress("mixing", len(arms), "mixtures") as progress:
        for number, arm in enumerate(arms):
            progress.set(Count(number, len(arms), arm.name))
            mixtures.append(run.mix(arm.recipe, seed=arm.seed))
        progress.set(Count(len(arms), len(arms)))

    def one(mixture: Mixture, arm: Arm) -> str:
        return run.train(mixture, arm.name, seed=arm.seed, progress=False, **arm.changes).path

    screen.step(f"training {len(arms)} models")
    folders = {arm.name: run.model_folder(arm.name) for arm in arms}
    threads = ThreadPoolExecutor(jobs)
    try:
        work = [threads.submit(one, mixture, arm) for mixture, arm in zip(mixtures, arms)]
        with Progress("training", len(work), "models", poll=lambda: _trained(folders)):
            for job in as_completed(work):
                job.result()
    finally:  # somebody who stops the command does not wait for the trainings that are under way
        threads.shutdown(wait=False, cancel_futures=True)
    return {arm.name: job.result() for arm, job in zip(arms, work)}


def _trained(folders: dict[str, str]) -> Count:
    """How far the trainings are, in models, and at which steps those are that are under way."""
    done, notes = 0.0, []
    for name, folder in folders.items():
        rows = [] if Folder.of(folder).exists(TRAINING) else read_log(Path(folder) / "log.jsonl")
        if Folder.of(folder).exists(TRAINING):
            done += 1
        elif rows and rows[-1]["of"]:
            step, of = int(rows[-1]["step"] or 0), int(rows[-1]["of"])
            done += min(step / of, 0.99)  # it still has to be written
            notes.append(f"{name} at step {step:,} of {of:,}")
    return Count(done, len(folders), ", ".join(notes))


def best(models: dict[str, str], top: int) -> dict[str, str]:
    """Of each recipe's trainings, the `top` with the lowest validation loss."""
    from polydistill.eval.scores import arm
    from polydistill.trainer.artifact import Checkpoint

    def loss(name: str) -> float:
        found = Checkpoint.open(models[name].rpartition("/")[0]).record.best
        return found.loss if found else math.inf

    recipes = dict.fromkeys(map(arm, models))
    kept = [sorted((n for n in models if arm(n) == recipe), key=loss)[:top] for recipe in recipes]
    return {name: models[name] for names in kept for name in names}
