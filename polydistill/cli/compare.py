"""`polydistill compare`: methods side by side, each mixed, trained and evaluated with several seeds."""

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from polydistill.cli.options import Address, Config, Set
from polydistill.cli.run_config import RunConfig
from polydistill.engine.errors import UserError


@dataclass(frozen=True)
class Arm:
    """One training of a comparison."""

    recipe: str
    seed: int
    learning_rate: float | None = None  # None: the run's

    @property
    def name(self) -> str:
        """sdrrl/seed0, or sdrrl/seed0-lr5e-05 where learning rates are compared; what stands before / is the method."""
        return f"{self.recipe}/seed{self.seed}" + (f"-lr{self.learning_rate:g}" if self.learning_rate else "")


def command(
    config: Config,
    recipes: Annotated[str, typer.Option(help="Recipes, comma-separated")] = "sft,t_sft,sdrrl",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each recipe (and learning rate)")] = 3,
    learning_rates: Annotated[str | None, typer.Option(help="Try these, e.g. 5e-5,3e-4; default: the run's")] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Evaluate only so many runs of each recipe, the best on validation data")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The recipe that others are tested against; default: the first")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trainings at once")] = 1,
    set_: Set = None,
    address: Address = None,
) -> None:
    """Train and evaluate several recipes on one pool, with several seeds, beside the base model.

    The table has means over seeds, their standard deviations, and Welch's test against the baseline.

    Needs the pool that `polydistill synth` makes from the same file. Can be interrupted and run again.
    Self-Translate-Train's way: --seeds 3 --learning-rates 5e-5,3e-4 --top 4 --set train.validation=0.05
    """
    from polydistill.engine.config import load
    from polydistill.engine.synthesis.pipeline import cluster

    run = load(RunConfig, config, set_)
    if top and not run.train.validation:
        raise UserError("--top needs validation data to choose by: --set train.validation=0.05")
    rates = [float(rate) for rate in learning_rates.split(",")] if learning_rates else [None]
    names = recipes.split(",")
    if baseline:
        if baseline not in names:
            raise UserError(f"--baseline {baseline} is none of the compared recipes ({', '.join(names)})")
        names.sort(key=lambda name: name != baseline)
    arms = [Arm(recipe, seed, rate) for seed in range(seeds) for rate in rates for recipe in names]
    with cluster(address):
        models = train_arms(run, arms, jobs)
    evaluate_arms(run, best(models, top) if top else models)


def train_arms(run: RunConfig, arms: list[Arm], jobs: int) -> dict[str, str]:
    """Mix and train every arm, `jobs` at once; returns its name -> model folder.

    A seed decides everything that is random: coin, code-switching and split points as well as the training order.
    """
    from polydistill.engine.progress import Progress
    from polydistill.trainer.run.launch import train

    student = run.student
    if student is None:
        raise UserError("the run has no `student` to train")
    mixtures = [mix_arm(run, arm) for arm in arms]

    def one(mixture: str, arm: Arm) -> str:
        changes: dict[str, Any] = {"seed": run.train.seed + arm.seed}
        if arm.learning_rate:
            changes["learning_rate"] = arm.learning_rate
        out = f"{run.output}/models/{arm.name.replace('/', '-')}"
        return train(mixture, student, run.train.model_copy(update=changes), out, progress=jobs == 1)

    with ThreadPoolExecutor(jobs) as threads:
        work = [threads.submit(one, mixture, arm) for mixture, arm in zip(mixtures, arms)]
        with Progress("training", len(work), "models") as progress:
            for job in as_completed(work):
                job.result()
                progress.advance()
    return {arm.name: job.result() for arm, job in zip(arms, work)}


def mix_arm(run: RunConfig, arm: Arm) -> str:
    """Make one arm's mixture; returns its folder."""
    from polydistill.engine.mixing.mix import mix
    from polydistill.engine.mixing.recipe import load_recipe

    chosen = load_recipe(arm.recipe)
    place = f"{run.output}/mixtures/{chosen.name}-seed{arm.seed}"
    mix(
        run.output,
        chosen,
        place,
        seed=run.seed + arm.seed,
        dictionaries=run.dictionaries,
        parallel=run.parallel,
        leakage=run.leakage,
        targets=run.targets,
    )
    return place


def best(models: dict[str, str], top: int) -> dict[str, str]:
    """Of each recipe's runs the `top` with the lowest validation loss."""
    from polydistill.engine.storage.shards import Folder
    from polydistill.eval.reporting.results import arm

    def loss(name: str) -> float:
        return Folder.of(models[name].removesuffix("/model")).read_json("training.json")["best"]["loss"]

    recipes = dict.fromkeys(map(arm, models))
    kept = [sorted((n for n in models if arm(n) == recipe), key=loss)[:top] for recipe in recipes]
    return {name: models[name] for names in kept for name in names}


def evaluate_arms(run: RunConfig, models: dict[str, str]) -> dict[str, Any]:
    """Evaluate the base model and all trained ones; the report stands in the run's folder under eval/."""
    import rich

    from polydistill.eval.reporting.table import arm_table, to_terminal
    from polydistill.eval.run import evaluate

    if run.eval is None or run.student is None:
        raise UserError("the run has no `eval` section (or no `student`)")
    config = run.eval.model_copy(update={"targets": run.eval.targets or run.targets, "source": run.source})
    found = evaluate({"base": run.student.model, **models}, config, run.student, f"{run.output}/eval")
    rich.print(to_terminal(arm_table(found)))
    return found
