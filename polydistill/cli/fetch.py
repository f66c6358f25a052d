"""`polydistill fetch`: the models and data sets of a run, from the hub."""

from typing import Annotated

import typer

from polydistill.cli.options import Config, Set


def command(
    config: Config,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before fetching")] = False,
    set_: Set = None,
) -> None:
    """Fetch the models and data sets that a run names by hub id, with their sizes and licenses shown first.

    What is there already is not fetched again. Offline machines: fetch elsewhere, and copy the hub's cache (HF_HOME).
    """
    from polydistill.fetching import describe, download, wanted
    from polydistill.run import Run

    items = [describe(item) for item in wanted(Run(config, set=set_ or ()).config)]
    for item in items:
        typer.echo(str(item))
    missing = [item for item in items if not item.present]
    if not missing:
        typer.echo("everything is here")
        return
    total = sum(item.size for item in missing) / 1e9
    if not yes and not typer.confirm(f"Fetch {len(missing)} of these, {total:,.1f} GB, and accept their licenses?"):
        raise typer.Abort
    for item in missing:
        typer.echo(f"{item.name}: {download(item)}")
