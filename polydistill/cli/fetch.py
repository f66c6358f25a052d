"""`polydistill fetch`: the models and data of a run."""

from typing import Annotated

import typer

from polydistill.cli.options import Config, Set


def command(
    config: Config,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before fetching")] = False,
    set_: Set = None,
) -> None:
    """Fetch the models, data sets and files that a run names, with their sizes and licenses shown first.

    Models and data sets come from the hub. Folders named muse, gatitos or opus100, and the benchmarks' folders in
    `eval.data`, are filled from where these are published. What is there already is not fetched again. Offline
    machines: fetch elsewhere, and copy the folders and the hub's cache (HF_HOME).
    """
    from polydistill import downloads, fetching
    from polydistill.run import Run

    run = Run(config, set=set_ or ()).config
    named = fetching.wanted(run)
    items = [fetching.describe(item) for item in [*named, *fetching.encoders(named)]]
    files = [(each, downloads.ask(each)) for each in fetching.files(run)]
    for item in items:
        typer.echo(str(item))
    for each, found in files:
        typer.echo(fetching.line(each, found))
        if found.absent:
            typer.echo(f"  not published there: {', '.join(found.absent)}")
    models = [item for item in items if not item.present]
    sets = [(each, found) for each, found in files if found.sizes]
    if not models and not sets:
        typer.echo("everything is here")
        return
    total = sum(item.size for item in models) + sum(found.size for _, found in sets)
    count = len(models) + len(sets)
    if not yes and not typer.confirm(f"Fetch {count} of these, {total / 1e9:,.2f} GB, and accept their licenses?"):
        raise typer.Abort
    for item in models:
        typer.echo(f"{item.name}: {fetching.download(item)}")
    for each, found in sets:
        typer.echo(f"{each.source.title}: {downloads.download(each, found)}")
