"""From measures to scores: every number, its interval, its side, its account."""

import json
from pathlib import Path

import pytest

from polydistill.eval.scores import Scores
from tests.eval.stand_in import STUDENT, StandIn, config, models, record


def test_gold_gets_everything_and_silence_nothing(world: Path) -> None:
    found = record(models(world, "gold", "none"), config(world), STUDENT, str(world / "out"), StandIn)
    for row in found.results:
        if row.metric in ("accuracy", "bleu", "chrf++"):
            assert row.value == pytest.approx(100 if row.model == "gold" else 0)
            assert row.low <= row.value <= row.high + 1e-9
            assert f"n:{row.n}" in row.signature
        if row.metric == "off_target":
            assert row.value == (0 if row.model == "gold" else 100)
    assert {row.side for row in found.results if row.set == "flores_from"} == {"source"}
    lost = [row for row in found.comparisons if row.metric == "accuracy"]
    assert all((row.wins, row.losses) == (0, 12) and row.high < 0 for row in lost)
    cut = {row.model: row.cut for row in found.accounting if row.set == "belebele"}
    assert cut == {"gold": 0, "none": 12}


def test_metrics_json_is_what_was_returned_and_plain_json(world: Path) -> None:
    found = record(models(world, "gold", "half"), config(world), STUDENT, str(world / "out"), StandIn)
    text = (world / "out/metrics.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["format"] == 2
    scores = Scores.open(str(world / "out"))
    assert scores.record == found and scores.verify() == []
