"""Rules over stored scores: they can be applied again with other thresholds, at no cost (`decision.reasons`).

A score that was not measured is NaN and fires no rule. Sources in brackets are those of `text_rules`.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Judge
from polydistill.engine.judging.verdicts import Columns
from polydistill.engine.schema import Reason


def off_target(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Identified with enough certainty as another language (SDRRL).

    Where the model does not know the target language, only the row's source language counts as another one.
    """
    language = scores["language"]
    known = ~pc.is_null(pa.array(language, pa.string())).to_numpy(zero_copy_only=False)
    return (language != target) & known & (scores["language_score"] >= judge.language_score)


def mixed_language(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Too small a share of the text's parts is in the target language: half of it stayed untranslated."""
    return scores["target_share"] < judge.rules.target_share


def wrong_script(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Too few letters in the target's script [Wu, OpusFilter]."""
    return scores["script"] < judge.rules.script


def unlike_length(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Far shorter or longer than the source: 1/3..3 as in [STT 3.2] and [Wu]."""
    low, high = judge.rules.length_ratio
    return (scores["length_ratio"] < low) | (scores["length_ratio"] > high)


def looping(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """The hypothesis runs in a loop and the source does not [NLLB]."""
    return scores["repetition"] > judge.rules.repetition


def untranslated(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Nearly every word stands in the source: not translated [Wu: the same text]."""
    return scores["copied"] > judge.rules.copied


def low_quality(scores: Columns, target: np.ndarray, judge: Judge) -> np.ndarray:
    """Quality estimate below the threshold (SDRRL: 0.8 with wmt22-cometkiwi-da)."""
    if judge.quality is None:
        return np.zeros(len(target), bool)
    return scores["quality"] < judge.quality.threshold


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
