"""`polydistill compare`: what is wrong is said before anything is trained."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from polydistill import configs
from polydistill.cli.main import app

DEMO = f"{configs.__path__[0]}/runs/demo.yaml"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--learning-rates", "fast"], "--learning-rates fast: expected numbers"),
        (["--recipes", "sft,sdrl"], "no recipe 'sdrl'"),
        (["--recipes", "sft", "--baseline", "sdrrl"], "--baseline sdrrl is none of the compared recipes (sft)"),
        (["--top", "2"], "--top needs validation data to choose by"),
        (["--seeds", "0"], "--seeds"),
    ],
)
def test_a_mistake_starts_nothing(options: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["compare", DEMO, "--set", f"output={tmp_path / 'out'}", *options])
    assert result.exit_code == 2 and message in result.output
    assert not (tmp_path / "out").exists()
