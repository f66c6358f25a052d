"""`polydistill demo`: the whole method on the small world, in minutes."""

from typing import Annotated

import typer

from polydistill.cli.options import Set


def command(
    seeds: Annotated[int, typer.Option(min=1, help="Number of trainings of each method")] = 2,
    set_: Set = None,
) -> None:
    """Build the small world, then synthesize, mix, train three methods and compare them with the base model.

    Everything is written under out/. A second call reuses what is there.
    """
    from polydistill.cli.run import show
    from polydistill.comparison import arms, train_arms
    from polydistill.demo import RECIPES, demo_run
    from polydistill.engine import screen

    screen.set_steps(6)
    with screen.logged("out/demo"):
        screen.step("building the small world in out/tinyworld")
        run = demo_run(set_ or ())
        screen.step("checking the configuration")
        run.require()
        with run.cluster():
            run.synthesize()
            screen.show(run.summary)
            models = train_arms(run, arms(run, RECIPES, seeds), jobs=2)
        screen.step("evaluating")
        show(run.evaluate(models))
        screen.show(f"synthesis report: {run.output}/report.html")
