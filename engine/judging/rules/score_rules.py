"""Rules over stored scores: they can be applied again with other thresholds, at no cost (`decision.reasons`).

A score that was not measured is NaN and fires no rule. Sources in brackets are those of `text_rules`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Judge
from polydistill.engine.judging.verdicts import Columns
from polydistill.engine.schema import Reason


def for_targets(threshold: Any, target: np.ndarray) -> np.ndarray:
    """A threshold, which may differ by language, for each of the target languages (n,).

    Returns:
        float64 () where there is one threshold for all languages, else (n,); for ranges (2,) or (n, 2).
    """
    if not isinstance(threshold, dict):
        return np.array(threshold, float)
    languages, where = np.unique(target.astype(str), return_inverse=True)
    default = threshold["default"]
    values = np.array([threshold.get(language, default) for language in languages], float)
    return values.reshape(len(languages), *np.shape(default))[where]


def off_target(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Identified with enough certainty as another language (SDRRL).

    Where the model does not know the target language, only the row's source language counts as another one.
    """
    language = scores["language"]
    known = ~pc.is_null(pa.array(language, pa.string())).to_numpy(zero_copy_only=False)
    return (language != target) & known & (scores["language_score"] >= for_targets(judge.language_score, target))


def mixed_language(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Too small a share of the text's parts is in the target language: half of it stayed untranslated."""
    return scores["target_share"] < for_targets(judge.rules.target_share, target)


def wrong_script(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Too few letters in the target's script [Wu, OpusFilter]."""
    return scores["script"] < for_targets(judge.rules.script, target)


def unlike_length(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Far shorter or longer than the source: 1/3..3 as in [STT 3.2] and [Wu]."""
    ranges = for_targets(judge.rules.length_ratio, target)
    low, high = ranges[..., 0], ranges[..., 1]
    return (scores["length_ratio"] < low) | (scores["length_ratio"] > high)


def looping(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """The hypothesis runs in a loop and the source does not [NLLB]."""
    return scores["repetition"] > for_targets(judge.rules.repetition, target)


def untranslated(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Nearly every word stands in the source: not translated [Wu: the same text]."""
    return scores["copied"] > for_targets(judge.rules.copied, target)


def low_quality(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Quality estimate below the threshold (SDRRL: 0.8 with wmt22-cometkiwi-da)."""
    if judge.quality is None:
        return np.zeros(len(target), bool)
    return scores["quality"] < for_targets(judge.quality.threshold, target)


ScoreRule = Callable[[Columns, np.ndarray, Judge], np.ndarray]
"""(scores of n hypotheses, their target languages (n,), thresholds) -> whether the rule fires, bool (n,)."""

SCORE_RULES: dict[Reason, ScoreRule] = {
    Reason.WRONG_SCRIPT: wrong_script,
    Reason.OFF_TARGET: off_target,
    Reason.MIXED_LANGUAGE: mixed_language,
    Reason.LENGTH_RATIO: unlike_length,
    Reason.REPETITION: looping,
    Reason.COPIED: untranslated,
    Reason.LOW_QUALITY: low_quality,
}
"""In the order in which they are asked."""
