"""`polydistill calibrate`: the judge's scores and thresholds against human judgments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polydistill.cli.options import Set
from polydistill.engine.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from polydistill.engine.config import Quality
    from polydistill.engine.judging.calibration import Agreement, Labeled, Proposal


def command(
    files: Annotated[
        list[Path],
        typer.Argument(help="TSV files with the columns original, translation, mean (MLQE-PE), e.g. en-de-dev.tsv.gz"),
    ],
    changes: Set = None,
    tries: Annotated[
        list[str] | None,
        typer.Option(
            "--try",
            help="Another set of thresholds, e.g. --try 'rules.copied=0.7 quality.threshold=0.75' (repeatable)",
        ),
    ] = None,
    bad_below: Annotated[float, typer.Option(help="A human score below is a bad translation")] = 50.0,
    source: Annotated[str | None, typer.Option(help="Language of the originals. Default: from the file's name")] = None,
    target: Annotated[str | None, typer.Option(help="Language translated into. Default: from the file's name")] = None,
    per_language: Annotated[
        bool,
        typer.Option("--per-language", help="Propose a quality threshold for each target language, as configuration"),
    ] = False,
    device: Annotated[str, typer.Option(help="Device of the quality estimation, cpu or cuda")] = "cpu",
    out: Annotated[Path | None, typer.Option("--json", help="JSON file to write the figures to")] = None,
) -> None:
    """Compare the judge's scores with human ones: correlation, and precision and recall of any thresholds.

    `--set quality.model=PATH` adds quality estimation. Texts are judged once; every `--try` decides anew from the
    stored scores, so it costs nothing.
    """
    import json

    import numpy as np

    from polydistill.engine.config import Judge, dump, load
    from polydistill.engine.judging.calibration import (
        agreement,
        judged,
        quality_of,
        read,
        thorough,
    )
    from polydistill.engine.judging.stage import JudgeStage

    judge = load(Judge, None, changes)
    if per_language and judge.quality is None:
        raise UserError("--per-language proposes quality thresholds: give --set quality.model=PATH")
    sets = {"as configured": judge}
    sets |= {text: load(Judge, None, [*(changes or []), *text.split()]) for text in tries or []}
    stage = JudgeStage(thorough(judge), device)
    agreements: dict[str, Agreement] = {}
    scored: dict[str, list[tuple[Labeled, np.ndarray]]] = {}
    for path in files:
        data = read(path, source, target)
        table = judged(data, stage)
        scored.setdefault(data.target, []).append((data, quality_of(table)))
        agreements[data.name] = agreement(data, table, sets, bad_below)
        _show(data.name, agreements[data.name])
    proposals = _propose(scored, judge.quality, bad_below) if per_language and judge.quality is not None else None
    if out is not None:
        found = {"judge": dump(judge), "bad_below": bad_below}
        found["files"] = {name: each.values() for name, each in agreements.items()}
        if proposals is not None:
            found["proposals"] = {language: each and vars(each) for language, each in proposals.items()}
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _show(name: str, found: "Agreement") -> None:
    typer.echo(f"\n{name}: {found.rows} translations, {found.bad} bad")
    ranked = [f"{key} {value:+.3f}" for key, value in found.spearman.items() if value == value]
    typer.echo(f"  Spearman with people: {', '.join(ranked) or 'no score varies'}")
    for title, groups in found.thresholds.items():
        typer.echo(f"  {title}")
        for reason, o in groups.items():
            typer.echo(
                f"    {reason:<16} dropped {o.dropped:>5}  precision {o.precision:.3f}  recall {o.recall:.3f}"
                f"  human: kept {o.human_kept:.1f}, dropped {o.human_dropped:.1f}"
            )


def _propose(
    scored: dict[str, list[tuple["Labeled", "np.ndarray"]]], quality: "Quality", bad_below: float
) -> "dict[str, Proposal | None]":
    """Show a quality threshold for each target language; the proposals, None where the data are too few."""
    import numpy as np

    from polydistill.engine.judging.calibration import LEAST, propose

    found: dict[str, Proposal | None] = {}
    now = quality.threshold
    values = {"default": now["default"] if isinstance(now, dict) else now}
    typer.echo("\nquality thresholds by language, each the one that tells good from bad translations best:")
    for language, parts in scored.items():
        human = np.concatenate([data.human for data, _ in parts])
        proposal = propose(language, np.concatenate([scores for _, scores in parts]), human, bad_below)
        found[language] = proposal
        if proposal is None:
            typer.echo(f"  {language}  no proposal: at least {LEAST} good and {LEAST} bad translations are needed")
            continue
        values[language] = round(proposal.threshold, 3)
        typer.echo(
            f"  {language}  {values[language]:.3f}  keeps {proposal.good_kept:.0%} of the good and drops "
            f"{proposal.bad_dropped:.0%} of the bad ({proposal.rows} translations)"
        )
    inside = ", ".join(f"{language}: {value}" for language, value in values.items())
    typer.echo(f"judge: {{quality: {{threshold: {{{inside}}}}}}}")
    return found
