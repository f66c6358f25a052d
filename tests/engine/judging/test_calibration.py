"""Calibration against human scores."""

import math
from pathlib import Path

import numpy as np
import pytest

from polydistill.engine.config import Judge, Rules
from polydistill.engine.errors import UserError
from polydistill.engine.judging.calibration import LEAST, Labeled, correlations, judged, outcomes, propose, read
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


def test_proposals_need_a_quality_model() -> None:
    from polydistill.cli.calibrate import command

    with pytest.raises(UserError, match=r"quality\.model"):
        command([], None, per_language=True, bad_below=50)


@pytest.mark.data
def test_command_on_real_judgments(data: Path, tmp_path: Path) -> None:
    import json

    from polydistill.cli.calibrate import command

    out = tmp_path / "found.json"
    command([data / "mlqe_pe" / "si-en-dev.tsv.gz"], None, ["rules.length_ratio=[0.7,1.4]"], bad_below=50, out=out)
    found = json.loads(out.read_text())["files"]["si-en-dev"]
    assert found["rows"] == 1000
    tried = found["thresholds"]["rules.length_ratio=[0.7,1.4]"]["all"]
    base = found["thresholds"]["as configured"]["all"]
    assert tried["dropped"] > base["dropped"] and tried["human_dropped"] < tried["human_kept"]


@pytest.mark.data
def test_command_with_quality_estimation(
    data: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tinyworld's COMET stands in for a real one: every text gets its score, also those that a rule would drop."""
    import json

    from polydistill.cli.calibrate import command

    out = tmp_path / "found.json"
    loose = "rules.length_ratio=[0,100] rules.copied=1 rules.target_share=0 language_score=1 rules.drop=[]"
    tries = ["quality.threshold=0.2", "quality.threshold=0.95", f"quality.threshold=-1 {loose}"]
    changes = [f"quality.model={tiny / 'models/comet'}", "quality.threshold=0.5"]
    command([data / "mlqe_pe" / "en-de-dev.tsv.gz"], changes, tries, bad_below=50, per_language=True, out=out)
    written = json.loads(out.read_text())
    found, proposal = written["files"]["en-de-dev"], written["proposals"]["deu_Latn"]
    printed = capsys.readouterr().out
    assert math.isfinite(found["spearman"]["quality"]) and "quality " in printed
    assert proposal["good_kept"] + proposal["bad_dropped"] >= 1
    assert f"threshold: {{default: 0.5, deu_Latn: {round(proposal['threshold'], 3)}}}" in printed
    low, high, none = (found["thresholds"][name] for name in tries)
    assert 0 < low["all"]["dropped"] < high["all"]["dropped"] and low["all"]["recall"] < high["all"]["recall"]
    assert high["low_quality"]["both"] == pytest.approx(
        high["low_quality"]["precision"] * high["low_quality"]["dropped"]
    )
    assert "unscored" not in none and "low_quality" not in none
