"""The thresholds that decided, by target language, from the run's configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polydistill.engine.config import Quality, Rules, validate
from polydistill.engine.judging.rules.score_rules import for_targets
from polydistill.engine.storage.configuration import CONFIG, read_configuration
from polydistill.engine.storage.shards import Folder


@dataclass(frozen=True)
class Thresholds:
    """Those that the report's histograms show."""

    quality: float | None  # null where quality estimation was off
    shortest: float  # hypothesis / source, weighted characters
    longest: float


def thresholds(run: Folder, targets: Sequence[str]) -> dict[str, Thresholds]:
    """The thresholds of each target language; {} where the run has no config.yaml.

    Raises:
        UserError: config.yaml is damaged, or a threshold in it is wrong.
    """
    if not run.exists(CONFIG):
        return {}
    judge = read_configuration(run).get("judge") or {}
    rules = validate(Rules, _only(judge.get("rules"), "length_ratio"), run.join(CONFIG))
    quality = None
    if judge.get("quality"):
        quality = validate(Quality, _only(judge["quality"], "model", "threshold"), run.join(CONFIG)).threshold
    return {target: _of(target, quality, rules.length_ratio) for target in targets}


def _only(section: dict[str, object] | None, *keys: str) -> dict[str, object]:
    return {key: value for key, value in (section or {}).items() if key in keys}


def _of(target: str, quality: Any, ratio: Any) -> Thresholds:
    where = np.array([target], object)
    shortest, longest = np.ravel(for_targets(ratio, where)).tolist()
    return Thresholds(None if quality is None else float(np.ravel(for_targets(quality, where))[0]), shortest, longest)
