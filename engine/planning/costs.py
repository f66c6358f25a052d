"""What each stage costs: measured in a sample run, or estimated from rates that others have published.

Published anchors, and how they are carried over to another model or GPU. These are estimates, and off by a factor of
two is normal: measure a sample before renting much.

    generate    H100, bf16, output tokens/s of one GPU (datatrove 0.10): SmolLM2-1.7B 9,220, Qwen3-4B 8,086,
                Qwen3-8B 6,443. Between them by interpolation, larger models in inverse proportion to their parameters,
                other GPUs in proportion to memory bandwidth.
    translate   RTX 4090, 0.21B parameters (transformer-big), float16, beam 4: 40,381 tokens/s
                (mozilla/translations#1039). In inverse proportion to parameters and beam, in proportion to memory
                bandwidth; int8 0.9 of float16 (CTranslate2's README, A10G: 8,363 and 9,297).
    judge       one GPU, XLM-R-large class: 834 texts/s (bicleaner-ai's full model). Not scaled. Without quality
                estimation: language ID and rules at 4,000 texts/s of a core.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polydistill.engine.config import Synthesis
from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.summary import StageRecord, read_summary

GPUS = {
    "b200": (8.0, 192),
    "h200": (4.8, 141),
    "h100": (3.35, 80),
    "a100": (2.04, 80),
    "l40s": (0.864, 48),
    "a10g": (0.6, 24),
    "4090": (1.008, 24),
}
"""Memory bandwidth (TB/s) and memory (GB) of one GPU, from the makers' data sheets."""

_GENERATE = ((1.7, 9220.0), (4.0, 8086.0), (8.2, 6443.0))
_TRANSLATE = 40_381 * 0.21 / GPUS["4090"][0] * 4  # tokens/s x 1e9 parameters x beam, for each TB/s
_JUDGE, _RULES = 834.0, 4000.0


@dataclass(frozen=True)
class Cost:
    """What one row costs in one stage: a prompt in `generate`, a pool row in the others."""

    seconds: float  # of a whole GPU, or of one core
    gpu: bool  # which of the two
    demand: float = 1.0  # GPUs, or cores, that one actor can use at a time
    start: float = 60.0  # seconds until an actor has loaded its model and has something to do
    latency: float = 0.0  # seconds between two units of an actor, in which it does nothing
    alone: bool = False  # does not contend with anything: time that passes without a processor
    source: str = ""


@dataclass(frozen=True)
class Texts:
    """Mean lengths of the prompts, characters."""

    question: float
    answer: float
    self_tokens: float | None = None  # tokens of the student's own answers, where they were counted

    @property
    def generated(self) -> float:
        """Tokens of the student's answer; where unknown, as long as the given one."""
        return self.self_tokens if self.self_tokens is not None else max(self.answer, 100) / 4

    def translated(self, config: Synthesis) -> float:
        """Tokens that are translated for one pool row: question, answer, and the student's answer."""
        return (self.question + self.answer) / 4 + (self.generated if config.student else 0)


def published(config: Synthesis, texts: Texts, gpu: str) -> dict[str, Cost]:
    """Costs on one GPU of that kind, from the anchors above.

    Raises:
        UserError: unknown GPU, or a model whose size its name does not tell.
    """
    if gpu not in GPUS:
        raise UserError(f"--gpu {gpu}: no figures for it (there are: {', '.join(GPUS)}); measure a sample (--sample)")
    bandwidth = GPUS[gpu][0]
    costs = {}
    if config.student:
        size = parameters(config.student.model)
        speed = _generation(size) * bandwidth / GPUS["h100"][0]
        source = f"published, scaled: {size:.1f}B parameters, {speed:,.0f} output tokens/s"
        costs["generate"] = Cost(min(texts.generated, config.student.max_tokens) / speed, True, source=source)
    if config.translate is None:
        raise UserError("nothing to plan: every translation exists already. Run `polydistill synth`")
    size = parameters(config.translate.model)
    speed = _TRANSLATE * bandwidth / (size * config.translate.beam)
    speed *= 0.9 if config.translate.compute_type.startswith("int8") else 1.0
    source = f"published, scaled: {size:.1f}B parameters, beam {config.translate.beam}, {speed:,.0f} tokens/s"
    costs["translate"] = Cost(texts.translated(config) / speed, True, source=source)
    fields = 3.4 if config.student else 2.4  # instruction, answers, and an input in 40% of the rows
    if config.judge.quality:
        costs["judge"] = Cost(fields / _JUDGE, True, source=f"published: {_JUDGE:g} texts/s, not scaled")
    else:
        costs["judge"] = Cost(fields / _RULES, False, source="language ID and rules, one core")
    return costs


def _generation(size: float) -> float:
    """Output tokens/s of one H100 for a model of `size` billion parameters."""
    sizes, speeds = zip(*_GENERATE)
    if size > sizes[-1]:
        return speeds[-1] * sizes[-1] / size
    return float(np.exp(np.interp(np.log(size), np.log(sizes), np.log(speeds))))


def parameters(model: str) -> float:
    """Billions of parameters, from the weights' size (16 bits each) in a local folder, or from the model's name.

    Raises:
        UserError: neither tells.
    """
    folder = Path(model)
    if folder.is_dir():
        weights = [f for pattern in ("*.safetensors", "pytorch_model*.bin", "model.bin") for f in folder.glob(pattern)]
        if weights:
            return sum(f.stat().st_size for f in weights) / 2e9
    found = re.search(r"(?<![\d.])(\d+(?:\.\d+)?)\s*([bm])(?![a-z])", Path(model).name.lower())
    if not found:
        raise UserError(f"{model}: its name does not tell its size; measure a sample (--sample) instead")
    return float(found[1]) / (1 if found[2] == "b" else 1000)


def measured(run: str | Folder) -> dict[str, Cost]:
    """Costs from what a run left in `synth.json`.

    Stages that kept a processor busy are counted in processor time, which does not depend on what else ran there;
    stages on a GPU in the time of their share of it; others, and generation on a CPU, in time that passed. The pause
    between two units is that of the stage that was busiest.

    Raises:
        UserError: the run left no figures (it is unfinished, or had nothing to do when it was last started).
    """
    folder = Folder.of(run)
    summary = read_summary(folder)
    if summary is None or not summary.stages or any(stage.figures.units < 3 for stage in summary.stages.values()):
        raise UserError(
            f"{folder.root}: no figures of at least three units of every stage; run a sample in a new folder"
        )
    stages = summary.stages
    busiest = max(
        (stage for name, stage in stages.items() if name != "generate"),
        key=lambda stage: stage.figures.seconds / _window(stage),
    )
    latency = max(0.0, (_window(busiest) - busiest.figures.seconds) / busiest.figures.units)
    # The stages' clock starts when the monitor does, some seconds into the run.
    before = max(0.0, summary.curve[-1][0] - max(stage.figures.last for stage in stages.values()))
    return {name: _measured(name, stage, latency, before, folder.root) for name, stage in stages.items()}


def _window(stage: StageRecord) -> float:
    """Actor-seconds between a stage's first and last unit."""
    return max(stage.figures.last - (stage.figures.first or 0.0), 1e-9) * stage.actors


def _measured(name: str, stage: StageRecord, latency: float, before: float, root: str) -> Cost:
    figures, share = stage.figures, stage.gpus
    source = f"measured in {root}: {figures.rows:,} rows"
    start = before + (figures.first or 0.0)
    if name == "generate":  # the engine works on several units at once and does not say how busy it is
        passed = _window(stage) / figures.rows
        return Cost(passed * (share or 1.0), bool(share), share or 1.0, alone=not share, start=start, source=source)
    passed, processor = figures.seconds / figures.rows, figures.cpu_seconds / figures.rows
    if share:
        return Cost(passed * share, True, share, latency=latency, start=start, source=source)
    if processor > passed / 4:
        demand = max(1.0, processor / passed)
        return Cost(processor, False, demand, latency=latency, start=start, source=source)
    return Cost(passed, False, 1.0, latency=latency, alone=True, start=start, source=source)
