"""`polydistill init`: a commented run file to start from."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(help="YAML file to write", show_default=False)],
    kind: Annotated[
        str, typer.Option(help="Machine that the run is for: laptop, one_gpu, eight_gpus or cluster")
    ] = "one_gpu",
    prompts: Annotated[
        str | None, typer.Option(help="Your rows: a CSV, JSON, Parquet or Arrow file, a folder, or a data set's hub id")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file")] = False,
) -> None:
    """Write a commented run file to start from. Its paths are relative to the file."""
    from polydistill.templates import write_template

    typer.echo(f"written: {write_template(file, kind, prompts, force)}\nnext: polydistill check {file}")
