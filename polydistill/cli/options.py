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
    typer.Option(help="Ray cluster to run on ('auto': the one this machine belongs to); default: this machine alone"),
]
