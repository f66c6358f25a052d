"""Another chance for failed texts, with the real language ID and a quality model that a test writes down."""

import time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from polydistill.engine.config import Judge, Quality
from polydistill.engine.judging.quality.once import OnceEstimator
from polydistill.engine.judging.rescue import RescueStage
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.judging.turns import fold
from polydistill.engine.schema import FIELDS, JUDGED, OTHERS, POOL, RESCUED, TRANSLATED
from polydistill.engine.storage.figures import RescueCost, figures_of, merge

JUDGE = Judge(quality=Quality(model="replaced by a stand-in", threshold=0.8))
ENGLISH = "In the mountains the weather changes quickly, and it often snows in winter."
GERMAN = "In den Bergen ändert sich das Wetter schnell, und im Winter schneit es oft"
QUESTION = ("What is the weather like in the mountains in winter?", "Wie ist das Wetter im Winter in den Bergen?")


class Marks:
    """Scores a hypothesis by the digit at its end: "... 7" has 0.7, one without 0.9."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def score(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        self.asked += zip(sources, hypotheses)
        return np.array([int(text[-1]) / 10 if text[-1].isdigit() else 0.9 for text in hypotheses], np.float32)

    def overlong(self, sources: list[str], hypotheses: list[str]) -> np.ndarray:
        return np.zeros(len(sources), bool)


def rows(*changes: dict[str, Any]) -> pa.Table:
    """TRANSLATED rows with `others_*`; a field is (source, hypothesis, next best ones)."""
    values = []
    for number, change in enumerate(changes):
        fields = {"instruction": (*QUESTION, []), "input": ("", None, None), "truth": (ENGLISH, GERMAN, [])}
        row: dict[str, Any] = {"id": f"{number:016x}", "source": "eng_Latn", "target": "deu_Latn"}
        for field, (text, hypothesis, others) in (fields | {"self": (None, None, None)} | change).items():
            row |= {field: text, f"mt_{field}": hypothesis, f"notes_{field}": [] if hypothesis else None}
            row[f"others_{field}"] = others and [{"text": other, "notes": []} for other in others]
        values.append(row)
    return pa.Table.from_pylist(values, pa.schema([*TRANSLATED, *(pa.field(f"others_{f}", OTHERS) for f in FIELDS)]))


def stage(fallback: Any = None, margin: float | None = 0.0) -> tuple[RescueStage, Marks]:
    marks = Marks()
    once = OnceEstimator(marks)
    assert JUDGE.quality is not None
    quality = JUDGE.quality.model_copy(update={"margin": margin})
    return RescueStage(JudgeStage(JUDGE, estimator=once), quality, once, fallback), marks


def _translated(table: pa.Table, targets: list[str]) -> pa.Table:
    """What a second translator makes of `table`: one German sentence for every text."""
    for field in FIELDS:
        empty = pc.equal(pc.fill_null(table[field], ""), "")
        table = table.append_column(f"mt_{field}", pc.if_else(empty, pa.scalar(None, pa.string()), f"{GERMAN} 8"))
    for field in FIELDS:
        table = table.append_column(f"notes_{field}", pa.array([[]] * table.num_rows, pa.list_(pa.string())))
    return table.append_column("target", pa.array(targets * table.num_rows))


def test_the_best_that_passes_is_taken_and_everything_stays_in_the_pool() -> None:
    rescue, marks = stage()
    others = [f"{GERMAN} 7", f"{GERMAN} 8", ENGLISH, f"{GERMAN} 9"]
    made = rescue(rows({"truth": (ENGLISH, f"{GERMAN} 5", others)}, {}))
    assert made.schema == RESCUED
    assert made["mt_truth"].to_pylist() == [f"{GERMAN} 9", GERMAN] and made["reason"].to_pylist() == [None, None]
    assert made["reason_without_rescue"].to_pylist() == ["truth:low_quality", None]
    tried = made["tried_truth"].to_pylist()
    assert tried[1] is None and made["tried_instruction"].to_pylist() == [None, None]
    assert [(one["rank"], one["reason"], one["taken"]) for one in tried[0]] == [
        *((0, "low_quality", False), (1, "low_quality", False), (2, None, False), (3, "off_target", False)),
        (4, None, True),
    ]
    assert len(marks.asked) == len(set(marks.asked)) == 6  # the English one is not scored, no pair is scored twice
    assert made["scores_truth"][0].as_py()["quality"] == pytest.approx(0.9)


def test_without_a_failure_the_judge_alone_is_the_same() -> None:
    rescue, _ = stage()
    table = rows({}, {"self": ("It snows there.", "Dort schneit es oft", [f"{GERMAN} 9"])})
    plain = JudgeStage(JUDGE, estimator=Marks())(table.select(TRANSLATED.names))
    assert rescue(table).select(JUDGED.names).equals(plain)


def test_answers_of_lost_questions_are_not_scored() -> None:
    rescue, marks = stage()
    lost = {"instruction": (QUESTION[0], f"{QUESTION[1]} 3", [f"{QUESTION[1]} 4"])}
    made = rescue(rows(lost | {"truth": (ENGLISH, f"{GERMAN} 5", [f"{GERMAN} 9"])}))
    assert made["reason"].to_pylist() == ["instruction:low_quality"]
    assert (ENGLISH, f"{GERMAN} 9") not in marks.asked and made["tried_truth"].to_pylist() == [None]
    assert made["mt_instruction"].to_pylist() == [f"{QUESTION[1]} 3"]
    assert [one["taken"] for one in made["tried_instruction"][0].as_py()] == [True, False]


def test_the_fallback_gets_what_failed_and_nothing_else() -> None:
    asked = []

    def fallback(table: pa.Table, targets: list[str]) -> pa.Table:
        asked.append((targets, [table[field].to_pylist() for field in FIELDS]))
        return _translated(table, targets)

    rescue, _ = stage(fallback)
    made = rescue(rows({"truth": (ENGLISH, f"{GERMAN} 5", [f"{GERMAN} 6"])}, {}, {"truth": (ENGLISH, None, None)}))
    assert asked == [(["deu_Latn"], [["", ""], ["", ""], [ENGLISH, ENGLISH], ["", ""]])]
    assert made["mt_truth"].to_pylist() == [f"{GERMAN} 8", GERMAN, f"{GERMAN} 8"]
    assert made["reason_without_fallback"].to_pylist() == ["truth:low_quality", None, "truth:error"]
    assert made["reason"].to_pylist() == [None] * 3
    spent = rescue.drain_cost()["deu_Latn"] + RescueCost(tokens_fallback=40)
    figures = figures_of(made, rescue=spent)
    assert figures.kept == 3 and figures.rescue is not None
    found = figures.rescue
    assert found.tokens_fallback == 40 and min(found.seconds, found.seconds_beam, found.seconds_fallback) > 0
    assert (found.kept_without_rescue, found.kept_without_fallback, found.texts_fallback) == (1, 1, 2)
    assert (found.estimates, found.estimates_beam, found.estimates_fallback) == (3, 1, 1)
    lengths = 3 * (len(QUESTION[0]) + len(ENGLISH)), 2 * len(ENGLISH)
    assert (found.characters, found.characters_fallback) == lengths
    pool = fold(made)  # as it is committed
    assert pool.column_names[: len(POOL)] == POOL.names and pool["tried_truth"].equals(made["tried_truth"])
    both = merge([figures, figures]).rescue
    assert both is not None and both.estimates == 6 and both.seconds == 2 * found.seconds
    assert rescue.drain_cost() == {}  # each second is told once


def test_same_rows_same_result() -> None:
    rescue, _ = stage()
    table = rows({"truth": (ENGLISH, f"{GERMAN} 5", [f"{GERMAN} 9"])}, {})
    assert rescue(table).equals(rescue(table))
    assert rescue(table.slice(0, 0)).num_rows == 0


def test_each_language_has_its_own_seconds_and_the_rows_keep_their_order() -> None:
    asked: list[str] = []

    def fallback(table: pa.Table, targets: list[str]) -> pa.Table:
        asked.extend(targets)
        time.sleep(0.05 if targets == ["jpn_Jpan"] else 0)
        return _translated(table, targets)

    failed = {"truth": (ENGLISH, f"{GERMAN} 5", [])}
    table = rows(failed, failed, {}, failed)
    targets = ["jpn_Jpan", "deu_Latn", "deu_Latn", "jpn_Jpan"]
    table = table.set_column(table.schema.get_field_index("target"), "target", pa.array(targets))
    rescue, _ = stage(fallback)
    made = rescue(table)
    assert made["target"].to_pylist() == targets and made["id"].to_pylist() == table["id"].to_pylist()
    assert asked == ["jpn_Jpan", "deu_Latn"]
    cost = rescue.drain_cost()
    assert cost["jpn_Jpan"].seconds_fallback > 0.05 > cost["deu_Latn"].seconds_beam


def test_an_unfinished_answer_of_the_student_is_not_tried() -> None:
    rescue, _ = stage()
    table = rows({"self": (ENGLISH, f"{GERMAN} 5", [f"{GERMAN} 9"])})
    cut = table.set_column(table.schema.get_field_index("self_error"), "self_error", pa.array(["length"]))
    assert rescue(cut)["tried_self"].to_pylist() == [None]


def test_next_best_ones_are_not_even_scored_where_quality_was_low_and_no_margin_is_set() -> None:
    assert Quality(model="x").margin is None
    rescue, marks = stage(margin=None)
    others = [f"{GERMAN} 9"]
    made = rescue(rows({"truth": (ENGLISH, f"{GERMAN} 5", others)}, {"truth": (ENGLISH, ENGLISH, others)}))
    assert made["mt_truth"].to_pylist() == [f"{GERMAN} 5", f"{GERMAN} 9"]
    assert made["tried_truth"].to_pylist()[0] is None
    assert len(marks.asked) == 3  # the question, the bad answer, and the next best one of what was left in English


@pytest.mark.parametrize(("hypothesis", "taken"), [(f"{GERMAN} 5", f"{GERMAN} 5"), (ENGLISH, f"{GERMAN} 8")])
def test_the_best_of_several_needs_a_margin_where_quality_was_low(hypothesis: str, taken: str) -> None:
    rescue, _ = stage(margin=0.05)  # the next best one has 0.8, which is the threshold and no more
    made = rescue(rows({"truth": (ENGLISH, hypothesis, [f"{GERMAN} 8"])}))
    assert made["mt_truth"].to_pylist() == [taken]
    assert made["tried_truth"][0].as_py()[1]["reason"] == (None if taken == f"{GERMAN} 8" else "narrow")
    rescue, _ = stage(margin=0.05)
    assert rescue(rows({"truth": (ENGLISH, hypothesis, [f"{GERMAN} 9"])}))["mt_truth"].to_pylist() == [f"{GERMAN} 9"]
