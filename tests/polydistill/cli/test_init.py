"""`polydistill init`: a file to start from, never over another."""

from pathlib import Path

from typer.testing import CliRunner

from polydistill.cli.main import app
from polydistill.run_config import load_run


def test_a_run_file_that_is_valid_and_the_next_command(tmp_path: Path) -> None:
    file = tmp_path / "new" / "run.yaml"
    result = CliRunner().invoke(app, ["init", str(file), "--kind", "laptop"])
    assert result.exit_code == 0
    assert result.output == f"written: {file}\nnext: polydistill check {file}\n"
    assert load_run(file).student is not None


def test_a_file_of_ones_own_stays(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("mine: 1\n")
    refused = CliRunner().invoke(app, ["init", str(file)])
    assert refused.exit_code == 2 and "--force" in refused.output and file.read_text() == "mine: 1\n"
    assert CliRunner().invoke(app, ["init", str(file), "--force"]).exit_code == 0
    assert load_run(file).targets
