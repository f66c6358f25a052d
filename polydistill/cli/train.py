"""`polydistill train`: train the student on a mixture."""

from pathlib import Path
from typing import Annotated

import typer

from polydistill.cli.options import Address, Set


def command(
    mixture: Annotated[Path, typer.Argument(help="Folder that `polydistill mix` wrote", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the model, its checkpoints and figures", show_default=False)],
    student: Annotated[
        str | None, typer.Option(help="Model to train, path or hub id. Default: the file's `student`")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with sections `student` and `train`, e.g. that of a whole run")
    ] = None,
    set_: Set = None,
    address: Address = None,
) -> None:
    """Train the student on a mixture.

    Run again after a crash, it goes on from the newest checkpoint, and ends as if nothing had happened.
    """
    from polydistill.checks import announce
    from polydistill.engine import screen
    from polydistill.engine.config import override, validate
    from polydistill.engine.errors import UserError
    from polydistill.run_config import TrainSections, read_run_file
    from polydistill.steps import before_training
    from polydistill.trainer.run.launch import train

    data = read_run_file(config) if config else {}
    for text in [*(set_ or []), *([f"student.model={student}"] if student else [])]:
        override(data, text)
    settings = validate(TrainSections, data, str(config or "configuration"))
    if settings.student is None:
        raise UserError("which model? Give --student PATH, or --config FILE with a section `student`")
    announce(before_training(str(mixture), settings.student, settings.train, str(out), address))
    with screen.logged(out):
        model = train(str(mixture), settings.student, settings.train, str(out), address=address)
    typer.echo(f"trained model: {model.path}")
