"""`polydistill allocate`: how many sentence pairs each language should get under a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from polydistill.eval.analysis.allocation import Law


def command(
    laws: Annotated[Path, typer.Argument(help="JSON of `polydistill fit`")],
    budget: Annotated[int, typer.Option(min=1, help="Sentence pairs of all languages together")],
    limit: Annotated[
        list[str] | None,
        typer.Option(help="Sentence pairs available for a language, e.g. --limit hi=231500 (repeatable)"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write. `mix --set parallel.allocation=FILE` takes it")
    ] = None,
) -> None:
    """Divide a budget of sentence pairs among languages, so that the mean predicted score is highest.

    The result is shown to be the optimum.
    """
    import json
    from dataclasses import asdict

    from polydistill.engine.errors import UserError
    from polydistill.engine.languages import language_code
    from polydistill.eval.analysis.allocation import allocate

    known = _read(laws)
    limits = {}
    for text in limit or []:
        name, _, number = text.partition("=")
        if not number.isdecimal() or language_code(name) not in known:
            raise UserError(f"--limit {text}: expected LANGUAGE=PAIRS with one of {', '.join(known)}")
        limits[language_code(name)] = int(number)
    found = allocate(known, budget, limits or None)
    typer.echo("language  pairs  predicted score  gain per 1,000 pairs")
    for name, pairs in found.pairs.items():
        full = "  (all there is)" if name in found.at_limit else ""
        typer.echo(f"{name}  {pairs:,}  {found.scores[name]:.2f}  {found.gains[name]:.5f}{full}")
    typer.echo(
        f"mean predicted score {found.score:.3f}; equal parts {found.uniform:.3f} ({found.score - found.uniform:+.3f})"
    )
    typer.echo(
        f"optimality: gains differ by {found.spread:.1e} (0 at the optimum): "
        f"{'optimal' if found.optimal else 'NOT optimal'}"
    )
    if out is not None:
        out.write_text(json.dumps({"budget": budget, **asdict(found)}, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, "Law"]:
    import json

    from polydistill.engine.errors import UserError
    from polydistill.eval.analysis.allocation import Law

    try:
        laws = {name: Law(**law) for name, law in json.loads(path.read_text(encoding="utf-8"))["laws"].items()}
        if not laws or any(
            not 0 < value < float("inf") for law in laws.values() for value in (law.alpha, law.beta, law.gamma)
        ):
            raise ValueError("expected laws whose alpha, beta and gamma are above 0")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). `polydistill fit` writes such a file") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{path}: not a file of `polydistill fit` ({reason})") from error
    return laws
