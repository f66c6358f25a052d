"""`polydistill inspect`: what a folder holds, from its records."""

from typing import Annotated

import typer


def command(
    path: Annotated[str, typer.Argument(help="Folder of a run, a mixture or a trained model (or a URI of one)")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, with histograms, for programs")] = False,
) -> None:
    """Describe a run's pool, a mixture or a checkpoint: counts per language and subset, drop reasons, fingerprints.

    Reads records and headers only, so it takes no time on any size of data.
    """
    import json

    from polydistill.engine.screen import visible
    from polydistill.inspection.describe import describe

    found = describe(path)
    print(json.dumps(found.values(), ensure_ascii=False, indent=1) if json_ else visible(found.text()))
