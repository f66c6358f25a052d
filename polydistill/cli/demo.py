"""`polydistill demo`: the whole method on the small world, in minutes."""

from pathlib import Path
from typing import Annotated

import typer

from polydistill.cli.options import Set

RECIPES = ["sft", "t_sft", "sdrrl"]


def command(
    seeds: Annotated[int, typer.Option(min=1, help="Training runs of each method")] = 2,
    set_: Set = None,
) -> None:
    """Build the small world, then synthesize, mix, train three methods and compare them with the base model.

    Everything is written under out/; a second call reuses what is there.
    """
    from polydistill import configs
    from polydistill.cli.compare import Arm, evaluate_arms, train_arms
    from polydistill.cli.run_config import RunConfig
    from polydistill.engine.config import load
    from polydistill.engine.synthesis.pipeline import cluster, synthesize
    from polydistill.engine.synthesis.report import write_report
    from polydistill.tinyworld.build import build

    build("out/tinyworld")
    run = load(RunConfig, Path(configs.__file__ or "").parent / "runs" / "demo.yaml", set_)
    with cluster():
        synthesize(run)
        typer.echo(write_report(run.output))
        models = train_arms(run, [Arm(recipe, seed) for seed in range(seeds) for recipe in RECIPES], jobs=2)
    evaluate_arms(run, models)
    typer.echo(f"report: {run.output}/eval/report.html   synthesis: {run.output}/report.html")
