"""`polydistill similarity`: how near languages lie to the source language inside a model (x-LLM's gamma)."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    model: Annotated[str, typer.Argument(help="Base model, before training: a path or hub id")],
    parallel: Annotated[str, typer.Option(help="Folder of parallel text (TSV, JSONL, line by line)")],
    targets: Annotated[str, typer.Option(help="Languages to measure, e.g. de,hi,ja")],
    source: Annotated[str, typer.Option(help="Language that they are compared with")] = "eng_Latn",
    sentences: Annotated[int, typer.Option(min=2, help="Sentence pairs of each language")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the draw of sentences")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="JSON file to write, for `fit --gamma`")] = None,
) -> None:
    """Measure how near each language lies to the source language inside a model.

    Each sentence looks for its translation among all, by mean last-layer states (x-LLM's gamma).
    """
    import json
    from dataclasses import asdict

    from polydistill.engine.languages import language_code
    from polydistill.eval.analysis.similarity import similarities

    languages = [language_code(name) for name in targets.split(",")]
    result = similarities(model, parallel, language_code(source), languages, sentences, seed, device)
    for language, value in result.gamma.items():
        typer.echo(f"{language}  gamma {value:.4f}")
    typer.echo(f"chance {result.chance:.4f}; {result.signature}")
    if out is not None:
        out.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
