"""`polydistill synth`: a finished run says so at once, and a wrong file is refused with every problem."""

from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from polydistill.cli.main import app
from polydistill.engine.config import dump
from polydistill.engine.schema import POOL
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.remaining import remaining
from tests.engine.pool_fixture import row
from tests.engine.synthesis.test_remaining import config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A run of five prompts with given translations."""
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(dump(config(tmp_path, targets=["de"]))))
    return path


def test_a_finished_run_needs_nothing(file: Path, tmp_path: Path) -> None:
    todo = remaining(config(tmp_path, targets=["de"]))
    folder = Folder.of(tmp_path / "out")
    digest = run_fingerprint.bind(folder, todo.decisive)
    for unit in todo.pending:
        table = pa.Table.from_pylist([row(unit, "deu_Latn")], POOL)
        commit(folder, unit, "deu_Latn", table, fingerprint=digest)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/pool").rglob("*.arrow")}
    result = CliRunner().invoke(app, ["synth", str(file)])
    assert result.exit_code == 0, result.output
    assert "checking the configuration" not in result.output
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out/pool").rglob("*.arrow")}


def test_every_problem_of_the_file_is_said(file: Path) -> None:
    result = CliRunner().invoke(app, ["synth", str(file), "--set", "work.unit_rowz=3", "--set", "targets=tlh"])
    assert result.exit_code == 2
    assert "did you mean 'unit_rows'" in result.output and "unknown language 'tlh'" in result.output
