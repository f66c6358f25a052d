"""`polydistill export`: a mixture or a pool in another trainer's format."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    source: Annotated[
        str, typer.Argument(metavar="MIXTURE", help="Folder of a mixture (`mix`), or of a run with its pool (`synth`)")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="File (.json, .jsonl or .parquet) to write, or a folder for llamafactory, axolotl and datasets"
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="alpaca, messages, sharegpt, prompt-completion, llamafactory, axolotl, datasets, or dpo (of a run)",
        ),
    ] = "alpaca",
    seed: Annotated[int, typer.Option(help="Seed of the rows' order")] = 0,
    margin: Annotated[
        float, typer.Option(help="dpo: minimum difference of the scores of the chosen and the rejected answer")
    ] = 0.05,
    push_to_hub: Annotated[
        str | None,
        typer.Option(help="Also upload the folder to this data set of the Hugging Face hub (ORG/NAME). It is private"),
    ] = None,
) -> None:
    """Write a mixture or a pool for another trainer, in shuffled order.

    Formats of a file: Alpaca, chat messages, ShareGPT, prompt and completion, preference pairs (dpo). Formats of a
    folder with a dataset card: LLaMA-Factory, axolotl, and Parquet files for `datasets`.
    """
    from polydistill.engine.errors import UserError
    from polydistill.engine.export.export import FOLDERS, export

    if push_to_hub and form not in FOLDERS:
        raise UserError(f"--push-to-hub uploads a folder. Choose --format {', '.join(FOLDERS)}")
    written = export(source, form, out, seed=seed, margin=margin)
    typer.echo(f"written: {written.path} ({written.rows:,} rows)")
    for reason, count in written.dropped.most_common():
        typer.echo(f"  left out: {count:,} {reason}")
    if push_to_hub:
        from polydistill.engine.export.hub import push

        typer.echo(f"uploaded: {push(written.path, push_to_hub)}")
