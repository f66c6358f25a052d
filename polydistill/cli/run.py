"""`polydistill run`: the whole line from one YAML file."""

from typing import TYPE_CHECKING

import typer

from polydistill.cli.options import Address, Config, Set

if TYPE_CHECKING:
    from polydistill.run import Run


def command(config: Config, set_: Set = None, address: Address = None) -> None:
    """Synthesize, mix, train and evaluate, as one file says.

    Every step resumes: run the same command again after an interruption.
    """
    from polydistill.engine.synthesis.pipeline import cluster
    from polydistill.run import Run

    run = Run(config, set=set_ or ())
    with cluster(address):
        run.synthesize()
        typer.echo(run.summary)
        if run.config.student is None:
            return
        model = run.train()
        typer.echo(f"trained model: {model}")
    if run.config.eval:
        show_scores(run, {run.model_name(): model})


def show_scores(run: "Run", models: dict[str, str]) -> None:
    """Evaluate, and print the table and where the report is."""
    import rich

    from polydistill.eval.reporting.table import arm_table, to_terminal

    rich.print(to_terminal(arm_table(run.evaluate(models))))
    typer.echo(f"report: {run.output}/eval/report.html")
