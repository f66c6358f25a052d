"""The worst sentence of a text that is rated low as a whole."""

import numpy as np
import pyarrow as pa
import pytest

from polydistill.engine.config import Judge, Quality
from polydistill.engine.judging.quality.sentences import sentence_pairs, worst_sentences
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.schema import FIELDS, TRANSLATED

ENGLISH = "In the mountains the weather changes quickly. In winter it snows there very often."
GERMAN = "In den Bergen ändert sich das Wetter schnell. Im Winter schneit es dort sehr oft."


class Sentences:
    """Rates whole texts 0.5 and sentences 0.9, but 0.2 where "falsch" stands in them; NaN for "kaputt"."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        self.asked += zip(sources, hypotheses)
        return np.array([self._score(text) for text in hypotheses], np.float32)

    def _score(self, text: str) -> float:
        if text.count(".") > 1:
            return 0.5
        return float("nan") if "kaputt" in text else 0.2 if "falsch" in text else 0.9

    def overlong(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        return np.zeros(len(sources), bool)


def test_sentences_are_paired_in_order_and_only_where_their_numbers_agree() -> None:
    first, second = ENGLISH.split(" In winter")
    assert sentence_pairs(ENGLISH, GERMAN, "eng_Latn", "deu_Latn") == [
        (first, "In den Bergen ändert sich das Wetter schnell."),
        (f"In winter{second}", "Im Winter schneit es dort sehr oft."),
    ]
    assert sentence_pairs(ENGLISH, GERMAN.replace("l. I", "l und i"), "eng_Latn", "deu_Latn") == []
    assert sentence_pairs(first, first, "eng_Latn", "deu_Latn") == []
    japanese = "山では天気が変わりやすいです。冬にはよく雪が降ります。"
    assert len(sentence_pairs(ENGLISH, japanese, "eng_Latn", "jpn_Jpan")) == 2
    assert len(sentence_pairs(f"- {first}\n- {first}", f"- {first}\n- {first}", "eng_Latn", "deu_Latn")) == 2  # lines


def test_the_worst_sentence_decides() -> None:
    pairs = [(ENGLISH, GERMAN), (ENGLISH, GERMAN.replace("sehr", "falsch")), (ENGLISH, "Schnee."),
             (ENGLISH, GERMAN.replace("sehr", "kaputt"))]  # fmt: skip
    worst = worst_sentences(Sentences(), pairs, "eng_Latn", "deu_Latn")
    np.testing.assert_allclose(worst, [0.9, 0.2, np.nan, np.nan], rtol=1e-6)
    assert worst_sentences(Sentences(), [], "eng_Latn", "deu_Latn").shape == (0,)


def rows(*hypotheses: str) -> pa.Table:
    values = []
    for number, hypothesis in enumerate(hypotheses):
        row = dict.fromkeys(TRANSLATED.names) | {"id": f"{number:016x}", "source": "eng_Latn", "target": "deu_Latn"}
        texts = {"instruction": ("Describe the weather in the mountains.", "Beschreibe das Wetter in den Bergen.")}
        for field, (text, made) in (texts | {"truth": (ENGLISH, hypothesis)}).items():
            row |= {field: text, f"mt_{field}": made, f"notes_{field}": []}
        values.append(row)
    return pa.Table.from_pylist(values, TRANSLATED)


@pytest.mark.parametrize("sentences", [False, True])
def test_the_judge_looks_again_at_what_is_low_and_at_nothing_else(sentences: bool) -> None:
    model = Sentences()
    judge = Judge(quality=Quality(model="replaced by a stand-in", threshold=0.8, sentences=sentences))
    wrong = GERMAN.replace("sehr", "falsch")
    judged = JudgeStage(judge, estimator=model)(rows(GERMAN, wrong))
    scores = judged["scores_truth"].to_pylist()
    assert [row["quality"] for row in scores] == pytest.approx([0.9 if sentences else 0.5, 0.5])
    assert judged["reason"].to_pylist() == [None if sentences else "truth:low_quality", "truth:low_quality"]
    assert [("quality_sentences" in row["flags"]) for row in scores] == [sentences, False]
    assert len(model.asked) == (3 + 4 if sentences else 3)  # the question is one sentence and passes
    assert all(judged[f"scores_{field}"].to_pylist()[0] is None for field in FIELDS if field in ("input", "self"))
