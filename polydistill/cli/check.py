"""`polydistill check`: everything that would stop a run, in seconds."""

from typing import Annotated

import typer

from polydistill.cli.options import Config, Set


def command(
    config: Config,
    steps: Annotated[
        str | None, typer.Option(help="Check only these steps, e.g. synth,mix. Default: synth,mix,train,eval")
    ] = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="The run goes to a Ray cluster: do not look at this machine's processors")
    ] = False,
    set_: Set = None,
) -> None:
    """Find everything that would stop a run: files, languages, models, engine arguments, disk, processors and GPUs.

    All problems are shown at once, each with its key and what to write instead. Nothing is started, and nothing is
    written. `run` and the single steps begin with the same checks. Exit code 2 where there is a problem.
    """
    from polydistill.checks import STEPS, require
    from polydistill.engine.errors import UserError
    from polydistill.run import Run

    chosen = steps.split(",") if steps else list(STEPS)
    unknown = [step for step in chosen if step not in STEPS]
    if unknown:
        raise UserError(f"--steps {steps}: no step {unknown[0]!r}. There are: {', '.join(STEPS)}")
    for note in require(Run(config, set=set_ or ()).config, chosen, cluster):
        typer.echo(f"note: {note}")
    typer.echo(f"{config}: no problem found")
