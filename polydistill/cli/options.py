"""Options that several subcommands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path, typer.Argument(help="YAML file of the run, e.g. configs/runs/one_gpu.yaml", show_default=False)
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one value, e.g. --set translate.beam=1 (repeatable)", show_default=False),
]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster to run on ('auto': the one this machine belongs to). Default: this machine alone"),
]


def numbers(option: str, text: str) -> list[float]:
    """Comma-separated numbers of an option.

    Raises:
        UserError: a part is no number.
    """
    from polydistill.engine.errors import UserError

    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"{option} {text}: expected numbers separated by commas, e.g. 5e-5,3e-4") from None
