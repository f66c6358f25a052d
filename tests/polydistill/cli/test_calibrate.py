"""`polydistill calibrate` on judgments of people."""

import json
import math
from pathlib import Path

import pytest

from polydistill.cli.calibrate import command
from polydistill.engine.errors import UserError


def test_proposals_need_a_quality_model() -> None:
    with pytest.raises(UserError, match=r"quality\.model"):
        command([], None, per_language=True, bad_below=50)


@pytest.mark.data
def test_command_on_real_judgments(data: Path, tmp_path: Path) -> None:
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
