"""`polydistill verify`: every file of an artifact against its record."""

from typing import Annotated

import typer


def command(
    path: Annotated[str, typer.Argument(help="Folder (or URI) of a run, a mixture, a trained model or an evaluation")],
) -> None:
    """Read every file of the artifacts in a folder whole, and compare it with what was written.

    Ends with exit code 2 where a file is missing, cut or altered, and says which command makes it anew.
    """
    from polydistill.engine.screen import visible
    from polydistill.verification import verify

    found = verify(path)
    for entry in found:
        print(visible(f"{entry.kind:<10}  {entry.path}: {'whole' if not entry.problems else 'damaged'}"))
        for problem in entry.problems:
            print(visible(f"  {problem}"))
    if any(entry.problems for entry in found):
        raise typer.Exit(2)
