"""`polydistill train`: train the student on a mixture."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ConfigDict, Field, model_validator

from polydistill.cli.options import Set
from polydistill.cli.run_config import RunConfig
from polydistill.engine.config import Config, Student, load
from polydistill.engine.errors import UserError
from polydistill.trainer.config import Train


class TrainFile(Config):
    """The sections of a run's file that training needs; the others are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    student: Student | None = Field(None, description="The model to train")
    train: Train = Field(Train(), description="How it is trained")

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(data) - set(RunConfig.model_fields))
        if unknown:
            raise ValueError(f"unknown section {unknown[0]!r}; known: {', '.join(RunConfig.model_fields)}")
        return data


def command(
    mixture: Annotated[Path, typer.Argument(help="Folder that `polydistill mix` wrote", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the model, its checkpoints and figures", show_default=False)],
    student: Annotated[
        str | None, typer.Option(help="Model to train, path or hub id; default: the file's `student`")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with sections `student` and `train`, e.g. that of a whole run")
    ] = None,
    set_: Set = None,
) -> None:
    """Train the student on a mixture.

    Run again after a crash, it goes on from the newest checkpoint, and ends as if nothing had happened.
    """
    overrides = [*(set_ or []), *([f"student.model={student}"] if student else [])]
    settings = load(TrainFile, config, overrides)
    if settings.student is None:
        raise UserError("which model? Give --student PATH, or --config FILE with a section `student`")
    from polydistill.trainer.run.launch import train

    model = train(str(mixture), settings.student, settings.train, str(out))
    typer.echo(f"trained model: {model}")
