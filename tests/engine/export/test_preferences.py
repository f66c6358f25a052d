"""Preference pairs: of two scored answers the better one, by a margin, and a reason for every prompt without a pair."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.export.preferences import preferences
from polydistill.engine.storage.pool import Pool, open_pool
from tests.engine.pool_fixture import row, write_run

TURNS = [
    {"role": "user", "content": "Hi", "payload": None},
    {"role": "assistant", "content": "Ho", "payload": '{"name": "Ann"}'},
]


def pool(tmp_path: Path, *rows: dict[str, Any], targets: tuple[str, ...] = ("deu_Latn",)) -> Pool:
    made = {target: [row(i, target, **one) for i, one in enumerate(rows)] for target in targets}
    return open_pool(write_run(tmp_path / "run", made))


def scored(truth: float | None, own: float | None, **more: Any) -> dict[str, Any]:
    return {"scores_truth": {"quality": truth}, "scores_self": {"quality": own}, **more}


def pairs(source: Pool, margin: float = 0.1) -> tuple[list[dict[str, Any]], Counter[str]]:
    dropped: Counter[str] = Counter()
    return list(preferences(source, margin, None, dropped)), dropped


def texts(pair: dict[str, Any]) -> tuple[str, str]:
    return pair["chosen"][0]["content"], pair["rejected"][0]["content"]


def test_the_better_translation_is_chosen_whichever_answer_it_is(tmp_path: Path) -> None:
    found, dropped = pairs(pool(tmp_path, scored(0.9, 0.5), scored(0.25, 0.75, input="x")))
    assert [texts(pair) for pair in found] == [("de:Truth 0.", "de:Self 0."), ("de:Self 1.", "de:Truth 1.")]
    assert [pair["prompt"][0]["content"] for pair in found] == ["de:Question 0?", "de:Question 1?\n\nde:x"]
    assert (found[1]["score_chosen"], found[1]["score_rejected"], found[1]["language"]) == (0.75, 0.25, "deu_Latn")
    assert not dropped


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (scored(0.9, 0.85), "scores:within_margin"),
        (scored(0.9, 0.5, mt_truth="same", mt_self="same"), "scores:within_margin"),
        (scored(0.9, None), "answers:fewer_than_two_scored"),
        (scored(0.9, 0.5, mt_self=None), "answers:fewer_than_two_scored"),
        (scored(0.9, 0.5, reason_truth="copied"), "chosen:unusable"),
        (scored(0.9, 0.5, reason_instruction="copied"), "question:unusable"),
        (scored(0.9, 0.5, reason_input="copied", input="x"), "question:unusable"),
        (scored(0.9, 0.5, system="Be kind.", reason_system="copied"), "conversation:unusable"),
        (scored(0.9, 0.5, history=TURNS, reason_history=[None, "off_target"]), "conversation:unusable"),
    ],
)
def test_every_prompt_without_a_pair_has_one_reason(columns: dict[str, Any], reason: str, tmp_path: Path) -> None:
    assert pairs(pool(tmp_path, columns)) == ([], {reason: 1})


def test_a_conversation_is_asked_in_its_translation(tmp_path: Path) -> None:
    (pair,), dropped = pairs(pool(tmp_path, scored(0.9, 0.5, system="Be kind.", history=TURNS)))
    assert [(turn["role"], turn["content"]) for turn in pair["prompt"]] == [
        ("system", "de:Be kind."),
        ("user", "de:Hi"),
        ("assistant", "de:Ho"),
        ("user", "de:Question 0?"),
    ]
    assert pair["prompt"][2]["name"] == "Ann" and not dropped  # a turn's payload stays as it was


def test_a_bad_answer_may_be_the_rejected_one(tmp_path: Path) -> None:
    (pair,), dropped = pairs(pool(tmp_path, scored(0.9, 0.5, reason_self="low_quality")))
    assert texts(pair) == ("de:Truth 0.", "de:Self 0.") and not dropped


def test_candidates_give_one_pair_however_many_languages_there_are(tmp_path: Path) -> None:
    candidates = [
        {"text": text, "finish": "stop", "tokens": 1, "score": score}
        for text, score in (("worst", 0.25), ("best", 0.75), ("", 1.0), ("unscored", None))
    ]
    rows = [{"self_candidates": candidates}, {"self_candidates": candidates[:1]}]
    found, dropped = pairs(pool(tmp_path, *rows, targets=("deu_Latn", "jpn_Jpan")))
    assert [texts(pair) for pair in found] == [("best", "worst")] and found[0]["language"] == "eng_Latn"
    assert dropped == {"answers:fewer_than_two_scored": 4, "candidates:fewer_than_two_scored": 1}
