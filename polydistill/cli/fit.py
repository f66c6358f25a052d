"""`polydistill fit`: x-LLM's scaling law from measured points."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from polydistill.eval.analysis.allocation import Law


def command(
    points: Annotated[Path, typer.Argument(help="CSV with the columns language,pairs,score (COMET, 0..100)")],
    out: Annotated[Path, typer.Option(help="JSON file to write, for `allocate`")],
    gamma: Annotated[Path | None, typer.Option(help="JSON of `polydistill similarity`. Default: gamma is 1")] = None,
    shared: Annotated[bool, typer.Option(help="One alpha and beta for all languages, told apart by gamma")] = False,
    plot: Annotated[Path | None, typer.Option(help="Picture of the curves (.png, .svg, .pdf)")] = None,
) -> None:
    """Fit how each language's score grows with its sentence pairs, and draw the curves.

    The law is x-LLM's: S(X) = 100 - alpha * (gamma * X) ** -beta, with 95% intervals.
    """
    import json
    from dataclasses import asdict

    from polydistill.engine.errors import UserError
    from polydistill.eval.analysis.allocation import fit

    known = None
    if gamma is not None:
        try:
            values = json.loads(gamma.read_text(encoding="utf-8"))["gamma"]
            known = {name: float(value) for name, value in values.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{gamma}: not a file of `polydistill similarity` ({error!r})") from error
    measured = _read(points)
    laws = fit(measured, known, shared)
    for name, law in laws.items():
        alpha, beta = (
            f"{value:.5g} [{low:.5g}, {high:.5g}]"
            for value, (low, high) in ((law.alpha, law.alpha_interval), (law.beta, law.beta_interval))
        )
        typer.echo(f"{name}  alpha {alpha}  beta {beta}  gamma {law.gamma:.3f}")
        typer.echo(f"  {law.points} points, residual {law.residual:.3f}")
    laws_json = {name: asdict(law) for name, law in laws.items()}
    out.write_text(
        json.dumps({"laws": laws_json, "confidence": 0.95, "shared": shared}, indent=1) + "\n", encoding="utf-8"
    )
    if plot is not None:
        _plot(plot, measured, laws)


def _read(path: Path) -> dict[str, list[tuple[float, float]]]:
    import csv

    from polydistill.engine.errors import UserError
    from polydistill.engine.languages import language_code

    measured: dict[str, list[tuple[float, float]]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                try:
                    language, point = row["language"], (float(row["pairs"]), float(row["score"]))
                except (KeyError, TypeError, ValueError) as error:
                    raise UserError(
                        f"{path}:{number}: expected the columns language,pairs,score ({error!r})"
                    ) from error
                measured.setdefault(language_code(language), []).append(point)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    if not measured:
        raise UserError(f"{path}: no points. Expected lines like de,100000,81.3 under language,pairs,score")
    return measured


def _plot(path: Path, measured: dict[str, list[tuple[float, float]]], laws: "dict[str, Law]") -> None:
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, rows in measured.items():
        sizes, scores = np.array(rows, float).T
        line = np.geomspace(sizes.min() / 2, sizes.max() * 4, 200)
        (curve,) = axes.plot(line, laws[name].score(line), linewidth=1.2)
        axes.scatter(sizes, scores, s=18, color=curve.get_color(), label=name)
    axes.set(xscale="log", xlabel="sentence pairs", ylabel="score")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
