"""How much there is to do, and the machines that do it."""

import math
from dataclasses import dataclass

from polydistill.engine.config import Synthesis
from polydistill.engine.errors import UserError
from polydistill.engine.planning.costs import Texts
from polydistill.engine.prompts.cleaning import clean
from polydistill.engine.prompts.fields import Notes
from polydistill.engine.prompts.sources import open_sources
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.placement import Node
from polydistill.engine.synthesis.summary import read_summary

_READ = 20_000  # rows whose lengths are looked at


@dataclass(frozen=True)
class Cluster:
    """Equal machines."""

    nodes: int
    gpus: int  # in each
    cpus: int  # cores in each
    memory: float  # GiB in each

    @property
    def list(self) -> list[Node]:
        """As `engine.synthesis.placement` wants them."""
        return [Node(self.cpus, self.gpus)] * self.nodes


@dataclass(frozen=True)
class Workload:
    """How much there is to do."""

    prompts: int
    languages: int
    unit_rows: int
    texts: Texts

    @property
    def units(self) -> int:
        """Units of work, each in all languages."""
        return math.ceil(self.prompts / self.unit_rows)

    @property
    def pool_rows(self) -> int:
        """Prompts times languages."""
        return self.prompts * self.languages

    def rows(self, stage: str) -> int:
        """Rows that a stage works on: prompts in generation, else pool rows."""
        return self.prompts if stage == "generate" else self.pool_rows


def workload(
    config: Synthesis,
    prompts: int | None = None,
    sample: str | None = None,
    chars: tuple[float, float] | None = None,
) -> Workload:
    """Count the prompts and measure their lengths.

    Args:
        prompts: how many there will be. Default: those of the configured files, all of which are then read.
        sample: folder of a run, whose tokens per answer are used.
        chars: mean characters of a question and of its answer. With `prompts` no file is read.

    Raises:
        UserError: a file cannot be read, or no row of it is usable.
    """
    tokens = _self_tokens(sample) if sample and config.student else None
    if prompts and chars:
        return Workload(prompts, len(config.targets), config.work.unit_rows, Texts(*chars, tokens))
    count, question, answer, looked_at = 0, 0, 0, 0
    for source in open_sources(config.prompts, config.source):
        rows = 0
        for batch in source.frames(Notes()):
            frame = batch.frame
            rows += frame.height
            if looked_at < _READ:
                kept, _ = clean(frame, source.config)
                kept = kept.filter(kept["reason"].is_null())
                looked_at += kept.height
                lengths = [int(kept[name].str.len_chars().sum()) for name in ("instruction", "input", "truth")]
                question, answer = question + lengths[0] + lengths[1], answer + lengths[2]
            elif prompts is not None:
                break
        count += min(rows, source.config.sample or rows)
    if not looked_at:
        raise UserError("no usable prompt in the configured files")
    texts = Texts(*(chars or (question / looked_at, answer / looked_at)), tokens)
    return Workload(prompts or count, len(config.targets), config.work.unit_rows, texts)


def _self_tokens(run: str) -> float | None:
    summary = read_summary(Folder.of(run))
    generate = summary.stages.get("generate") if summary else None
    return generate.figures.tokens / generate.figures.rows if generate else None
