"""`polydistill show`: rows of an artifact, drawn at random."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    path: Annotated[
        str, typer.Argument(help="A run, its prompts, generated or pool, a mixture, or an evaluation (path or URI)")
    ],
    language: Annotated[str | None, typer.Option(help="Rows of this language only")] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Rows with this reason, e.g. low_quality or truth:off_target. 'kept': those without one"),
    ] = None,
    subset: Annotated[str | None, typer.Option(help="A mixture's subset, or an evaluation's set")] = None,
    count: Annotated[int, typer.Option("-n", min=1, help="Number of rows")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Which rows: the same seed draws the same ones")] = 0,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Show a mixture's tokens, and which of them the trainer learns")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="With --tokens: YAML file with the student. Default: that of the mixture's run")
    ] = None,
    student: Annotated[str | None, typer.Option(help="With --tokens: model whose tokenizer is used")] = None,
    prompt: Annotated[str | None, typer.Option(help="With --tokens: prompt template, e.g. alpaca or chat")] = None,
) -> None:
    """Print rows of any artifact with all fields, scores, notes and reasons.

    Rows are drawn from all shards, each with the same probability. Of prompts, --reason shows the dropped ones.
    """
    from polydistill.engine.errors import UserError
    from polydistill.engine.mixing.mixture import Mixture
    from polydistill.engine.screen import visible
    from polydistill.showing.artifacts import open_artifact
    from polydistill.showing.printing import as_text, heading
    from polydistill.showing.selection import Selection, select

    artifact = open_artifact(path, dropped=reason is not None)
    as_tokens = None
    if tokens:
        from polydistill.showing.tokens import token_printer, training

        if artifact.kind != "mixture":
            raise UserError(f"--tokens: {artifact.root} holds {artifact.kind}. Name a mixture.")
        mixture = Mixture.open(path)
        as_tokens = token_printer(mixture, training(mixture, config, student, prompt))
    elif config or student or prompt:
        raise UserError("--config, --student and --prompt say how tokens are made. Add --tokens.")
    group = select(artifact, Selection(language, reason, subset, count, seed))
    print(visible(f"{artifact.kind} {artifact.root}: {len(group.rows):,} of {group.total:,} rows, seed {seed}"))
    for number, drawn in enumerate(group.rows, 1):
        text = f"\n{heading(number, drawn)}\n{as_text(drawn)}"
        print(text if as_tokens is None else f"{text}\n{as_tokens(drawn.row)}")
