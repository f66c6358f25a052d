"""`polydistill export`: a mixture in another trainer's format."""

from typing import Annotated

import typer


def command(
    mixture: Annotated[str, typer.Argument(help="Folder that `polydistill mix` wrote")],
    out: Annotated[str, typer.Option(help="File to write (.json or .jsonl); a folder for llamafactory and datasets")],
    form: Annotated[
        str, typer.Option("--format", help="alpaca, sharegpt, messages, llamafactory or datasets")
    ] = "alpaca",
) -> None:
    """Write a mixture as Alpaca JSON, ShareGPT, chat messages, a LLaMA-Factory folder or a `datasets` folder."""
    from polydistill.engine.export.export import export

    typer.echo(f"written: {export(mixture, form, out)}")
