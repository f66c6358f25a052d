"""`polydistill run`: the whole line from one YAML file."""

import typer

from polydistill.cli.compare import Arm, evaluate_arms, train_arms
from polydistill.cli.options import Address, Config, Set
from polydistill.cli.run_config import RunConfig


def command(config: Config, set_: Set = None, address: Address = None) -> None:
    """Synthesize, mix, train and evaluate, as one file says.

    Every step resumes: run the same command again after an interruption.
    """
    from polydistill.engine.config import load
    from polydistill.engine.synthesis.pipeline import cluster, synthesize
    from polydistill.engine.synthesis.report import write_report

    run = load(RunConfig, config, set_)
    with cluster(address):
        synthesize(run)
        typer.echo(write_report(run.output))
        if run.student is None:
            return
        models = train_arms(run, [Arm(run.recipe, 0)], jobs=1)
        typer.echo(f"trained model: {next(iter(models.values()))}")
    if run.eval:
        evaluate_arms(run, models)
        typer.echo(f"report: {run.output}/eval/report.html")
