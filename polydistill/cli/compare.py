"""`polydistill compare`: several methods, each mixed, trained and evaluated with several seeds."""

from typing import Annotated

import typer

from polydistill.cli.options import Address, Config, Set


def command(
    config: Config,
    recipes: Annotated[str, typer.Option(help="Recipes, comma-separated")] = "sft,t_sft,sdrrl",
    seeds: Annotated[int, typer.Option(min=1, help="Number of trainings of each recipe (and learning rate)")] = 3,
    learning_rates: Annotated[
        str | None, typer.Option(help="Learning rates to try, e.g. 5e-5,3e-4. Default: the run's")
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="Evaluate only this many trainings of each recipe, the best on validation data"),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Recipe that the others are tested against. Default: the first")
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(help="Train all once more, this many passes over their own mixtures: a second table"),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Number of trainings at once")] = 1,
    set_: Set = None,
    address: Address = None,
) -> None:
    """Train and evaluate several recipes on one pool, with several seeds, and compare them with the base model.

    The table has means over seeds, their standard deviations, and Welch's test against the baseline. With train.steps
    in the run, all recipes get equal steps. --epochs 3 adds the table with equal epochs, the papers' setting.

    Needs the pool that `polydistill synth` makes from the same file. Can be interrupted and run again.
    Self-Translate-Train's way: --seeds 3 --learning-rates 5e-5,3e-4 --top 4 --set train.validation=0.05
    """
    from polydistill.cli.options import numbers
    from polydistill.cli.run import show
    from polydistill.comparison import arms, compare, require
    from polydistill.engine import screen
    from polydistill.run import Run

    run = Run(config, set=set_ or ())
    rates = numbers("--learning-rates", learning_rates) if learning_rates else []
    names = recipes.split(",")
    arms(run, names, seeds, rates, top, baseline, epochs)
    budgets = [None, epochs] if epochs else [None]
    screen.set_steps(1 + 3 * len(budgets))
    screen.step("checking the configuration")
    require(run, names, address=address)
    with screen.logged(run.output), run.cluster(address):
        for budget in budgets:
            show(compare(run, names, seeds, rates, top, baseline, budget, jobs))
