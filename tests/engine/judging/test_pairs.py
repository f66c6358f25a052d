"""The judge for two lists of strings."""

import numpy as np
import pytest

from polydistill.engine.config import Judge, Quality
from polydistill.engine.errors import UserError
from polydistill.engine.judging.pairs import judge_pairs

ENGLISH = "In the mountains the weather changes quickly, and it often snows in winter."
GERMAN = "In den Bergen ändert sich das Wetter schnell, und im Winter schneit es oft."


class Half:
    """Stands in for a quality model: it likes the first text only."""

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        return np.array([0.9] + [0.1] * (len(sources) - 1), np.float32)

    def overlong(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        return np.zeros(len(sources), bool)


def test_good_copied_and_empty() -> None:
    good, copy, empty, nothing = judge_pairs([ENGLISH] * 3 + [""], [GERMAN, ENGLISH, " ", "Etwas."], "en", "German")
    assert good.usable and good.language == "deu_Latn" and good.target_share == 1 and good.hypothesis == GERMAN
    assert copy.reason == "off_target" and copy.copied == 1 and copy.language == "eng_Latn"
    assert empty.reason == "empty" and "empty" in empty.flags
    assert nothing.usable and nothing.length_ratio is None  # there was nothing to translate
    assert judge_pairs([], [], "en", "de") == []


def test_any_quality_model_will_do() -> None:
    judge = Judge(quality=Quality(model="unused", threshold=0.5))
    found = judge_pairs([ENGLISH, ENGLISH], [GERMAN, GERMAN[:-1]], "en", "de", judge, estimator=Half())
    assert sorted(pair.reason or "" for pair in found) == ["", "low_quality"]


def test_what_is_wrong_is_told() -> None:
    with pytest.raises(UserError, match="2 sources and 1 targets"):
        judge_pairs(["a", "b"], ["c"], "en", "de")
    with pytest.raises(UserError, match="Klingon"):
        judge_pairs(["a"], ["b"], "en", "Klingon")
