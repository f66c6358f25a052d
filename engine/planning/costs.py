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

Without a GPU no figures are at hand: two operations for each parameter and token at 20 GFLOP/s of a core are assumed.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polydistill.engine.config import Student, Synthesis, Translate
from polydistill.engine.errors import UserError

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
CORE = 20e9
"""Operations per second of one processor core in a model's matrix products, an assumption."""
JUDGE_PARAMETERS = 0.565
"""Billions of parameters of a judge of the XLM-R-large class."""
_JUDGE_TOKENS = 120  # source and translation of one text


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

    def per_prompt(self, student: Student) -> float:
        """Tokens that the student generates for one prompt, all samples together."""
        if self.self_tokens is not None:
            return max(self.self_tokens, 1.0)
        return min(self.generated, student.max_tokens) * student.samples

    def translated(self, config: Synthesis) -> float:
        """Tokens that are translated for one pool row: question, answer, and the student's answer."""
        return (self.question + self.answer) / 4 + (self.generated if config.student else 0)


def published(config: Synthesis, texts: Texts, gpu: str, cpu_only: Collection[str] = ()) -> dict[str, Cost]:
    """Costs on one GPU of that kind, from the anchors above.

    Args:
        gpu: a key of `GPUS`.
        cpu_only: stages that run on processors.

    Raises:
        UserError: unknown GPU, or a model whose size its name does not tell.
    """
    bandwidth = known_gpu(gpu)[0]
    if config.translate is None:
        raise UserError("nothing to plan: every translation exists already. Run `polydistill synth`")
    costs = {}
    if config.student and not config.student.endpoint:
        size = parameters(config.student.model)
        tokens = texts.per_prompt(config.student)
        costs["generate"] = language_model(size, tokens, bandwidth, "generate" in cpu_only)
    costs["translate"] = _translation(config.translate, texts.translated(config), bandwidth, "translate" in cpu_only)
    costs["judge"] = _judging(config, "judge" in cpu_only)
    return costs


def known_gpu(name: str) -> tuple[float, float]:
    """Memory bandwidth (TB/s) and memory (GB) of a kind of GPU.

    Raises:
        UserError: there are no figures for it.
    """
    if name not in GPUS:
        raise UserError(f"--gpu {name}: no figures for it (there are: {', '.join(GPUS)}). Measure a sample (--sample)")
    return GPUS[name]


def human(billions: float) -> str:
    """A large number of parameters or tokens as people say it: 96k, 135M, 3.3B."""
    for unit, factor in (("B", 1.0), ("M", 1e3)):
        if billions * factor >= 0.9995:
            return f"{billions * factor:,.0f}{unit}" if billions * factor >= 100 else f"{billions * factor:.3g}{unit}"
    return f"{billions * 1e6:.3g}k"


def _on_cores(size: float, tokens: float) -> Cost:
    speed = CORE / (2e9 * size)
    source = f"assumed: {human(size)} parameters, {speed:,.3g} tokens/s of a core"
    return Cost(tokens / speed, False, demand=4, source=source)


def language_model(size: float, tokens: float, bandwidth: float, on_cores: bool) -> Cost:
    """Cost of an answer of `tokens` tokens by a model of `size` billion parameters.

    Args:
        bandwidth: of the GPU's memory, TB/s.
        on_cores: whether it runs on processors instead.
    """
    if on_cores:
        return _on_cores(size, tokens)
    speed = _generation(size) * bandwidth / GPUS["h100"][0]
    source = f"published, scaled: {human(size)} parameters, {speed:,.0f} output tokens/s"
    return Cost(tokens / speed, True, source=source)


def _translation(translate: Translate, tokens: float, bandwidth: float, on_cores: bool) -> Cost:
    size = parameters(translate.model)
    if translate.method != "seq2seq":
        return language_model(size, tokens, bandwidth, on_cores)
    if on_cores:
        return _on_cores(size, tokens * translate.beam)
    speed = _TRANSLATE * bandwidth / (size * translate.beam)
    speed *= 0.9 if translate.compute_type.startswith("int8") else 1.0
    source = f"published, scaled: {human(size)} parameters, beam {translate.beam}, {speed:,.0f} tokens/s"
    return Cost(tokens / speed, True, source=source)


def _judging(config: Synthesis, on_cores: bool) -> Cost:
    fields = 3.4 if config.student else 2.4  # instruction, answers, and an input in 40% of the rows
    if not config.judge.quality:
        return Cost(fields / _RULES, False, source="language ID and rules, one core")
    if on_cores:
        return _on_cores(JUDGE_PARAMETERS, fields * _JUDGE_TOKENS)
    return Cost(fields / _JUDGE, True, source=f"published: {_JUDGE:g} texts/s, not scaled")


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
        raise UserError(f"{model}: its name does not tell its size. Measure a sample (--sample) instead")
    return float(found[1]) / (1 if found[2] == "b" else 1000)
