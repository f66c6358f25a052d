"""`polydistill verify`: what it prints and its exit code."""

from pathlib import Path

from typer.testing import CliRunner

from polydistill.cli.main import app
from tests.engine.pool_fixture import row, write_run


def test_whole_and_damaged_artifacts_are_told_apart(tmp_path: Path) -> None:
    run = Path(write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(4)]}, unit_rows=2))
    whole = CliRunner().invoke(app, ["verify", str(run)])
    assert whole.exit_code == 0
    assert [line.split()[0] for line in whole.output.splitlines()] == ["prompts", "pool"]
    assert all(line.endswith(f"{run}: whole") for line in whole.output.splitlines())
    (run / "pool/deu_Latn/000001.arrow").unlink()
    damaged = CliRunner().invoke(app, ["verify", str(run)])
    assert damaged.exit_code == 2
    first, last, problem = damaged.output.splitlines()
    assert last.endswith("damaged") and "000001.arrow" in problem and "polydistill synth" in problem
    assert first.startswith("prompts") and first.endswith("whole")
