"""A run's report: its thresholds stand in the figures and on the page."""

import json
from pathlib import Path

import pyarrow as pa

from polydistill.engine.schema import POOL
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.reporting.report import write_report
from polydistill.engine.synthesis.reporting.thresholds import thresholds
from tests.engine.pool_fixture import row, write_run


def test_thresholds_are_those_of_the_run_and_the_language(tmp_path: Path) -> None:
    run = write_run(tmp_path, {name: [row(0, name)] for name in ("deu_Latn", "tha_Thai")})
    assert thresholds(Folder.of(run), ["deu_Latn"]) == {}
    (tmp_path / "config.yaml").write_text(
        "judge:\n  rules: {length_ratio: {default: [0.5, 2.0], tha_Thai: [0.25, 4.0]}, copied: 0.9}\n"
        "  quality: {model: m, threshold: {default: 0.8, tha_Thai: 0.7}}\n"
    )
    values = {"scores_truth": {"quality": 0.5, "length_ratio": 1.0}}
    for target in ("deu_Latn", "tha_Thai"):
        table = pa.Table.from_pylist([row(0, target, **values)], POOL)
        commit(Folder.of(run), 0, target, table, figures=figures_of(table))
    write_report(run)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["thresholds"] == {
        "deu_Latn": {"quality": 0.8, "shortest": 0.5, "longest": 2.0},
        "tha_Thai": {"quality": 0.7, "shortest": 0.25, "longest": 4.0},
    }
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('class="threshold"') == 6
    assert "threshold 0.7<" in page and "threshold 0.25 and 4<" in page
    (tmp_path / "config.yaml").write_text("judge: {quality: null}\n")
    assert thresholds(Folder.of(run), ["deu_Latn"])["deu_Latn"].quality is None
