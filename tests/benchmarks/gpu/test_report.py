import json

import pytest
from typer import Exit

from benchmarks.gpu import report
from benchmarks.gpu.check import Check, Figure, Outcome
from polydistill.cli import bench
from polydistill.engine.errors import UserError

PARTS = "tests.benchmarks.gpu.parts"


@pytest.fixture
def few(monkeypatch):
    names = ("passes", "misses", "skips")
    monkeypatch.setattr(report, "CHECKS", tuple(Check(name, "", f"{PARTS}:{name}", 60) for name in names))


def test_the_command_prints_writes_and_fails(few, tmp_path, capsys):
    file = tmp_path / "a" / "gpu.json"
    with pytest.raises(Exit) as stop:
        bench.command("gpu", json_file=file)
    assert stop.value.exit_code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["PASS", "passes"], ["FAIL", "misses"], ["SKIP", "skips"]]
    assert "sum 3 units (≤ 3)" in lines[0] and lines[2].endswith("set A_VARIABLE")
    assert lines[3] == "1 passed, 1 failed, 1 skipped"
    written = json.loads(file.read_text())
    assert [check["verdict"] for check in written["checks"]] == ["PASS", "FAIL", "SKIP"]
    assert written["checks"][1]["figures"][0]["value"] is None  # a NaN is no JSON
    assert written["hardware"]["cores"] >= 1


def test_only_some(few, capsys):
    bench.command("gpu", only="skips, passes")
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[:2]] == ["skips", "passes"]


@pytest.mark.parametrize("only", ["nope", "passes,nope", ","])
def test_unknown_checks(few, only):
    with pytest.raises(UserError, match="there are passes, misses, skips"):
        bench.command("gpu", only=only)


def test_only_belongs_to_gpu():
    with pytest.raises(UserError, match="--only names checks of `polydistill bench gpu`"):
        bench.command("packing", only="stream")


def test_the_list_shows_it(capsys):
    bench.command("list")
    assert "gpu          acceptance checks" in capsys.readouterr().out


def test_a_reason_stands_before_the_figures():
    outcome = Outcome("x", "FAIL", (Figure("a", 1, at_most=0),), "a 1 (≤ 0)", 2.6)
    assert report.line(outcome) == "FAIL x               3 s  a 1 (≤ 0) | a 1 (≤ 0)"
