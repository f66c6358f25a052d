"""Calibration against human scores."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from polydistill.engine.config import Judge, Rules
from polydistill.engine.errors import UserError
from polydistill.engine.judging.calibration import (
    LEAST,
    Labeled,
    agreement,
    correlations,
    judged,
    outcomes,
    propose,
    read,
)
from polydistill.engine.judging.stage import JudgeStage

GOOD = ("The weather changes quickly in the mountains.", "Das Wetter ändert sich in den Bergen schnell.")
COPY = (GOOD[0], GOOD[0])
SHORT = ("He came home late at night and went to bed without a word.", "Er kam spät nach Hause und schlief.")


def labeled() -> Labeled:
    rows = [(*GOOD, 90.0), (*COPY, 5.0), (*SHORT, 40.0), ("Good morning to you all!", "Guten Morgen euch allen!", 45.0)]
    originals, translations, human = zip(*rows)
    return Labeled("t", "eng_Latn", "deu_Latn", list(originals), list(translations), np.array(human))


def test_precision_and_recall_of_any_thresholds() -> None:
    data = labeled()
    table = judged(data, JudgeStage(Judge()))
    found = outcomes(table, data.human, Judge(), bad_below=50)
    assert set(found) == {"all", "off_target"} and found["all"].dropped == 1
    strict = outcomes(table, data.human, Judge(rules=Rules(length_ratio=(0.7, 2.0))), bad_below=50)
    assert strict["all"].dropped == 2 and strict["all"].precision == 1 and strict["all"].recall == pytest.approx(2 / 3)
    assert strict["length_ratio"].human_dropped == 40
    loose = outcomes(table, data.human, Judge(language_score=1, rules=Rules(copied=1, target_share=0)), bad_below=50)
    assert loose["all"].dropped == 0 and math.isnan(loose["all"].precision) and loose["all"].recall == 0


def test_correlations_have_the_right_sign() -> None:
    data = labeled()
    found = correlations(judged(data, JudgeStage(Judge())), data.human)
    assert found["copied"] < 0 < found["target_share"]
    assert math.isnan(found["quality"])  # not measured


def test_files_are_read_and_faults_told(tmp_path: Path) -> None:
    path = tmp_path / "en-de-dev.tsv"
    path.write_text('index\toriginal\ttranslation\tscores\tmean\n0\tA "b\tEin "B\t[1]\t12.5\n', encoding="utf-8")
    data = read(path)
    assert (data.source, data.target, data.originals, data.human.tolist()) == ("eng_Latn", "deu_Latn", ['A "b'], [12.5])
    path.write_text("original\ttranslation\na\tb\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"en-de-dev\.tsv:2: .*mean"):
        read(path)
    other = tmp_path / "labeled.tsv"
    other.write_text("original\ttranslation\tmean\na\tb\t1\n", encoding="utf-8")
    with pytest.raises(UserError, match="--source"):
        read(other)
    assert read(other, "en", "Japanese").target == "jpn_Jpan"


def test_the_proposed_threshold_tells_good_from_bad() -> None:
    quality = np.array([0.2, 0.3, 0.4] * 10 + [0.6, 0.7, 0.8] * 10 + [np.nan] * 5, np.float32)
    human = np.array([10.0] * 30 + [90.0] * 30 + [90.0] * 5)
    found = propose("tha_Thai", quality, human, 50)
    assert found and 0.4 < found.threshold <= 0.6 and (found.good_kept, found.bad_dropped, found.rows) == (1, 1, 60)
    noisy = propose("tha_Thai", np.append(quality, [0.9] * 3), np.append(human, [10.0] * 3), 50)
    assert noisy and noisy.threshold == pytest.approx(found.threshold) and noisy.bad_dropped == pytest.approx(30 / 33)
    assert propose("tha_Thai", quality[: 30 + LEAST - 1], human[: 30 + LEAST - 1], 50) is None  # too few good ones
    assert propose("tha_Thai", np.full(40, np.nan), np.repeat([10.0, 90.0], 20), 50) is None


def test_what_is_written_has_every_figure_of_every_try() -> None:
    data = labeled()
    table = judged(data, JudgeStage(Judge()))
    strict = Judge(rules=Rules(length_ratio=(0.7, 2.0)))
    found = agreement(data, table, {"as configured": Judge(), "strict": strict}, bad_below=50)
    assert (found.rows, found.bad) == (4, 3)
    written = json.loads(json.dumps(found.values()))
    assert written["thresholds"]["strict"]["all"]["dropped"] == found.thresholds["strict"]["all"].dropped == 2
    assert written["thresholds"]["strict"]["all"]["recall"] == pytest.approx(2 / 3)
    assert written["spearman"].keys() == found.spearman.keys()
