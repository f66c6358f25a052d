import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer import Exit

from polydistill.cli import bench
from polydistill.engine.errors import UserError


@pytest.fixture
def two(monkeypatch, tmp_path):
    """A package of two benchmarks, one of which fails."""
    folder = tmp_path / "two_benchmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "good.py").write_text(
        '''"""Always."""
from benchmarks import common


def run():
    return [common.ratio("speed", [3.0, 3.2], [2.0, 2.0], against="raw call", goal=2, unit="rows/s", rows=7)]
'''
    )
    (folder / "bad.py").write_text('"""Never."""\n\n\ndef run():\n    return 1 / 0\n')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(bench, "PACKAGE", folder.name)


def test_all_runs_the_others_when_one_fails(two, tmp_path, capsys):
    with pytest.raises(Exit) as stop:
        bench.command("all", json_file=tmp_path / "a" / "rows.json")
    assert stop.value.exit_code == 1
    out = capsys.readouterr()
    assert "| speed | 1.55 | 1.5 – 1.6 | ≥ 2 | NO | 3.1 rows/s | raw call: 2 | pairs 2, rows 7 |" in out.out
    assert "Hardware:" in out.out and "polydistill" in out.out
    assert "failed: bad (ZeroDivisionError: division by zero)" in out.err
    (row,) = json.loads((tmp_path / "a" / "rows.json").read_text())
    assert {"benchmark", "claim", "ratio", "reference", "goal", "met", "median", "spread", "signature"} <= row.keys()


def test_compare_says_whether_a_difference_is_noise(two, tmp_path, capsys):
    earlier = [{"benchmark": "good", "claim": "speed", "ratio": 1.2, "spread": [1.1, 1.3]}]
    (tmp_path / "old.json").write_text(json.dumps(earlier))
    bench.command("good", compare=tmp_path / "old.json")
    assert "| 1.2 (higher) |" in capsys.readouterr().out
    with pytest.raises(UserError, match="no file that `polydistill bench --json` wrote"):
        bench.command("good", compare=tmp_path / "none.json")


def test_unknown_name(two):
    with pytest.raises(UserError, match=r"no benchmark 'nope' \(there are: bad, good"):
        bench.command("nope")


def test_the_package_is_listed():
    known = bench.benchmarks()
    assert "common" not in known and all(known.values())


def test_an_installed_package_has_no_benchmarks(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "PACKAGE", "benchmarks_elsewhere")
    with pytest.raises(UserError, match="not part of the installed package"):
        bench.command("list")


def test_benchmarks_are_found_from_any_folder(tmp_path):
    root = Path(bench.__file__).resolve().parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from polydistill.cli import bench\n"
        f"sys.path.remove({str(root)!r}); bench.command('list')"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "judge" in done.stdout, done.stderr
