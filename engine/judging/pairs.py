"""The judge for two lists of strings, without a run, a table or Ray."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from polydistill.engine.config import Judge, validate
from polydistill.engine.errors import UserError
from polydistill.engine.judging.quality.estimator import Estimator
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.languages import language_code
from polydistill.engine.schema import FIELDS, SCORES, TRANSLATED


@dataclass(frozen=True)
class JudgedPair:
    """What the judge says of one translation. Scores are None where they were not measured."""

    source: str
    hypothesis: str
    reason: str | None  # the first test that failed, see `schema.Reason` and `schema.Flag`; None: usable
    flags: tuple[str, ...]  # everything noticed, see `schema.Flag`
    language: str | None
    language_score: float | None
    target_share: float | None
    length_ratio: float | None
    repetition: float | None
    copied: float | None
    script: float | None
    quality: float | None

    @property
    def usable(self) -> bool:
        """Whether no test failed."""
        return self.reason is None


def judge_pairs(
    sources: Sequence[str],
    targets: Sequence[str],
    source_language: str,
    target_language: str,
    judge: Judge | Mapping[str, object] | None = None,
    device: str = "cpu",
    estimator: Estimator | None = None,
) -> list[JudgedPair]:
    """Judge translations as a run would.

    Args:
        sources: the originals.
        targets: a translation of each.
        source_language: language of the originals, in any form that `engine.languages.language_code` knows.
        target_language: language that the translations should be in.
        judge: the `judge` section, e.g. {"quality": {"model": FOLDER}}. Default: rules and language ID as a run
            has them, no quality model.
        device: torch device of the quality model.
        estimator: used in place of the configured quality model.

    Returns:
        One verdict for each pair, in order.

    Raises:
        UserError: lists of different lengths, an unknown language, or a model that is not usable.
    """
    if len(sources) != len(targets):
        raise UserError(f"{len(sources)} sources and {len(targets)} targets: expected one translation for each source")
    pair = language_code(source_language), language_code(target_language)
    config = validate(Judge, dict(judge), "judge") if isinstance(judge, Mapping) else judge or Judge()
    judged = JudgeStage(config, device, estimator)(translated_table(sources, targets, *pair))
    scores = judged["scores_instruction"].to_pylist()
    found = []
    for source, hypothesis, reason, values in zip(sources, targets, judged["reason_instruction"].to_pylist(), scores):
        measured = dict(values or {field.name: None for field in SCORES})
        flags = tuple(measured.pop("flags") or ())
        found.append(JudgedPair(source, hypothesis, reason, flags, **measured))
    return found


def translated_table(sources: Sequence[str], targets: Sequence[str], source: str, target: str) -> pa.Table:
    """TRANSLATED rows whose instructions are these pairs and that have nothing else."""
    n = len(sources)
    columns: dict[str, object] = {field.name: pa.nulls(n, field.type) for field in TRANSLATED}
    columns |= {"id": [f"{i:016x}" for i in range(n)], "origin": [f"pair:{i}" for i in range(n)]}
    columns |= {"source": [source] * n, "target": [target] * n}
    columns |= {field: [""] * n for field in FIELDS}
    columns |= {"instruction": list(sources), "mt_instruction": list(targets), "notes_instruction": [[]] * n}
    return pa.table({name: columns[name] for name in TRANSLATED.names}, schema=TRANSLATED)
