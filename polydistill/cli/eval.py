"""`polydistill eval`: checkpoints in, answers, numbers and a report out."""

from pathlib import Path
from typing import Annotated

import typer

from polydistill.cli.options import Set


def command(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Checkpoints: a folder or hub id each, or NAME=FOLDER. Models named ARM/RUN (sft/seed1, sft/seed2) "
            "are runs of one arm. The first is what the others are compared with.",
            show_default=False,
        ),
    ],
    config: Annotated[
        Path, typer.Option(help="YAML file of a run with an `eval` section", show_default=False, exists=True)
    ],
    out: Annotated[Path, typer.Option(help="Folder for answers, metrics.json, report.html and report.md")] = Path(
        "out/eval"
    ),
    set_: Set = None,
) -> None:
    """Evaluate checkpoints: target languages and source language side by side, with intervals.

    Answers are kept, so that a run that was stopped goes on where it was, and a model is asked only once.
    """
    import rich

    from polydistill.checks import require
    from polydistill.engine import screen
    from polydistill.eval.reporting.render import to_terminal
    from polydistill.eval.reporting.table import summary
    from polydistill.run_config import load_run
    from polydistill.steps import evaluate

    run = load_run(config, set_)
    evaluation, student = run.evaluation(), run.student_to_train()
    for note in require(run, ["eval"]):
        typer.echo(f"note: {note}")
    with screen.logged(out):
        scores = evaluate(named(models), evaluation, student, str(out))
    rich.print(to_terminal(summary(scores.record)))
    print(f"{out / 'report.html'}\n{out / 'metrics.json'}")


def named(models: list[str]) -> dict[str, str]:
    """Names and paths: NAME=PATH as given, else the path's last part, or more of it where that is not unique."""
    from polydistill.engine.errors import UserError

    result: dict[str, str] = {}
    for model in models:
        name, equals, path = model.partition("=")
        if not equals:
            parts = [part for part in Path(model).parts if part not in ("/", "..", ".")] or [model]
            # A trained model is in a folder called model: its parent has the telling name.
            tail = parts[-2:-1] if parts[-1] == "model" and len(parts) > 1 else parts[-1:]
            name, path = tail[0], model
        if name in result:
            raise UserError(f"two models are called {name!r}; name them: {name}-1={result[name]} {name}-2={path}")
        result[name] = path
    return result
