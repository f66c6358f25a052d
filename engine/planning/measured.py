"""What each stage cost in a sample run, and whether that run asked the same models."""

import math
from typing import Any

from polydistill.engine.config import Synthesis, dump
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.models.identity import model_identity
from polydistill.engine.planning.costs import Cost
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.fingerprint import flatten
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.summary import StageRecord, read_summary

_MODELS = (
    *("student.model", "student.reward.model", "translate.model", "translate.fallback.model", "judge.quality.model"),
)
_SPEED = (
    *("student.max_tokens", "student.samples", "translate.method", "translate.beam", "translate.compute_type"),
    "judge.quality.dtype",
)


def check_sample(config: Synthesis, run: str | Folder) -> None:
    """Whether a sample ran with the models that the plan is for.

    Models count by content. A hub id counts by its name where one side is not on this machine.

    Raises:
        UserError: no run is there, or it ran with other models or settings. The message names each.
    """
    folder = Folder.of(run)
    if not folder.exists(run_fingerprint.FILE):
        raise UserError(f"--sample {folder.root}: no run here ({run_fingerprint.FILE} is missing)")
    sample, mine = run_fingerprint.bound(folder), flatten(dump(config))
    if not sample:
        raise DamagedError(
            f"{folder.join(run_fingerprint.FILE)}: damaged. Run `polydistill synth` on the sample again."
        )
    wrong = []
    for key in (*_MODELS, *_SPEED):
        there, here = sample.get(key), mine.get(key)
        if key in _MODELS and here and there:
            here = _same_name(model_identity(str(here)), str(there))
        if there != here:
            wrong.append(f"{key}: {_shown(there)} in the sample, {_shown(here)} here")
    if wrong:
        raise UserError(
            f"--sample {folder.root}: its rates are those of another run ({'. '.join(wrong)}). "
            "Run a sample with this configuration, or leave --sample out"
        )


def _same_name(here: str, there: str) -> str:
    """`there`, where both are the same hub id and one of them has no commit."""
    apart = "@" in here and "@" in there
    return there if not apart and here.partition("@")[0] == there.partition("@")[0] else here


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def kept_share(run: str | Folder) -> float:
    """Share of a run's pool rows that its judge kept; 1 where it left no figures."""
    summary = read_summary(Folder.of(run))
    return summary.kept / summary.rows if summary and summary.rows else 1.0


def measured(run: str | Folder) -> dict[str, Cost]:
    """Costs from what a run left in `synth.json`.

    Stages that kept a processor busy are counted in processor time, which does not depend on what else ran there.
    Stages on a GPU are counted in the time that passed, less what the others on the same card took of it. Others, and
    generation on a CPU, are counted in time that passed. The pause between two units is that of the busiest stage.

    Raises:
        UserError: the run left no figures (it is unfinished, or had nothing to do when it was last started).
    """
    folder = Folder.of(run)
    summary = read_summary(folder)
    if summary is None or not summary.stages or any(stage.figures.units < 3 for stage in summary.stages.values()):
        raise UserError(
            f"{folder.root}: no figures of at least three units of every stage. Run a sample in a new folder"
        )
    stages = summary.stages
    busiest = max(
        (stage for name, stage in stages.items() if name != "generate"),
        key=lambda stage: stage.figures.seconds / _window(stage),
    )
    latency = max(0.0, (_window(busiest) - busiest.figures.seconds) / busiest.figures.units)
    # The stages' clock starts when the monitor does, some seconds into the run.
    before = max(0.0, summary.curve[-1][0] - max(stage.figures.last for stage in stages.values()))
    return {
        name: _measured(name, stage, latency, before, folder.root, _part(name, stages))
        for name, stage in stages.items()
    }


def _part(name: str, stages: dict[str, StageRecord]) -> float:
    """What an actor got of its card while it was busy: all of it, or less where busy neighbors shared the card.

    Ray's fraction of a GPU decides who shares a card. It limits nobody's speed.
    """
    shared = {key: stage for key, stage in stages.items() if 0 < stage.gpus < 1}
    if name not in shared:
        return 1.0
    cards = max(1, math.ceil(sum(stage.actors * stage.gpus for stage in shared.values()) - 1e-9))
    busy = {key: 1.0 if key == "generate" else min(1.0, s.figures.seconds / _window(s)) for key, s in shared.items()}
    others = sum(busy[key] * stage.actors for key, stage in shared.items()) - busy[name]
    return 1 / (1 + others / cards)


def _window(stage: StageRecord) -> float:
    """Actor-seconds between a stage's first and last unit."""
    return max(stage.figures.last - (stage.figures.first or 0.0), 1e-9) * stage.actors


def _measured(name: str, stage: StageRecord, latency: float, before: float, root: str, part: float) -> Cost:
    figures, share = stage.figures, stage.gpus
    source = f"measured in {root}: {figures.rows:,} rows"
    start = before + (figures.first or 0.0)
    if name == "generate":  # the engine works on several units at once and does not say how busy it is
        passed = _window(stage) / figures.rows
        return Cost(passed * part, bool(share), alone=not share, start=start, source=source)
    passed, processor = figures.seconds / figures.rows, figures.cpu_seconds / figures.rows
    if share:
        return Cost(passed * part, True, latency=latency, start=start, source=source)
    if processor > passed / 4:
        demand = max(1.0, processor / passed)
        return Cost(processor, False, demand, latency=latency, start=start, source=source)
    return Cost(passed, False, 1.0, latency=latency, alone=True, start=start, source=source)
