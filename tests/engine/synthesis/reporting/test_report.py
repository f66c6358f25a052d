"""A run's report: its thresholds stand in the figures and on the page."""

import json
from pathlib import Path

import pyarrow as pa

from polydistill.engine.schema import POOL
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.reporting.report import known_report, write_report
from polydistill.engine.synthesis.reporting.thresholds import thresholds
from tests.engine.pool_fixture import row, write_run


def test_thresholds_are_those_of_the_run_and_the_language(tmp_path: Path) -> None:
    run = write_run(tmp_path, {name: [row(0, name)] for name in ("deu_Latn", "tha_Thai")})
    assert thresholds(Folder.of(run), ["deu_Latn"]) == {}
    rules = {"length_ratio": {"default": [0.5, 2.0], "tha_Thai": [0.25, 4.0]}, "copied": 0.9}
    quality = {"model": "m", "threshold": {"default": 0.8, "tha_Thai": 0.7}}
    write_configuration(Folder.of(run), {"judge": {"rules": rules, "quality": quality}})
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
    write_configuration(Folder.of(run), {"judge": {"quality": None}})
    assert thresholds(Folder.of(run), ["deu_Latn"])["deu_Latn"].quality is None


def test_a_report_is_written_once_for_a_pool(tmp_path):
    run = write_run(tmp_path, {"deu_Latn": [row(0, "deu_Latn"), row(1, "deu_Latn")]})
    assert known_report(run) is None
    text = write_report(run)
    assert known_report(run) == text
    (tmp_path / "report.html").unlink()
    assert known_report(run) is None
    write_report(run)
    html = (tmp_path / "report.html").read_bytes()
    (tmp_path / "report.html").write_bytes(html.replace(b"deu", b"dou", 1))
    assert known_report(run) is None
    write_report(run)
    assert (tmp_path / "report.html").read_bytes() == html
    record = json.loads((tmp_path / "report.json").read_text())
    for damaged in ("{", json.dumps(record | {"format": 99})):
        (tmp_path / "report.json").write_text(damaged)
        assert known_report(run) is None


def test_a_report_of_another_pool_is_written_anew(tmp_path):
    """A run that was killed between its last unit and its report."""
    run = write_run(tmp_path, {"deu_Latn": [row(0, "deu_Latn")]})
    write_report(run)
    table = pa.Table.from_pylist([row(0, "deu_Latn"), row(1, "deu_Latn")], POOL)
    commit(Folder.of(run), 0, "deu_Latn", table, figures=figures_of(table))
    assert known_report(run) is None
    text = write_report(run)
    assert known_report(run) == text
