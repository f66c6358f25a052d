"""`polydistill allocate`: a budget over languages, from the laws that `fit` wrote."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polydistill.cli.main import app
from polydistill.eval.analysis.allocation import Law


@pytest.fixture
def laws(tmp_path: Path) -> Path:
    known = {"deu_Latn": Law(300.0, 0.2), "hin_Deva": Law(900.0, 0.2)}
    file = tmp_path / "laws.json"
    file.write_text(json.dumps({"laws": {name: asdict(law) for name, law in known.items()}}))
    return file


def allocate(laws: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["allocate", str(laws), *options])


def test_a_budget_is_spent_whole_and_within_limits(laws: Path, tmp_path: Path) -> None:
    result = allocate(laws, "--budget", "1000", "--limit", "hi=100", "--out", str(tmp_path / "plan.json"))
    assert result.exit_code == 0, result.exception
    assert "deu_Latn  900  " in result.output and "(all there is)" in result.output
    assert result.output.rstrip().endswith(": optimal")
    found = json.loads((tmp_path / "plan.json").read_text())
    assert found["budget"] == 1000 and found["pairs"] == {"deu_Latn": 900, "hin_Deva": 100}
    free = allocate(laws, "--budget", "1000")
    assert "(all there is)" not in free.output and "optimal" in free.output


@pytest.mark.parametrize("limit", ["hi", "hi=", "hi=-5", "hi=1.5", "ja=5"])
def test_a_limit_that_says_nothing(limit: str, laws: Path) -> None:
    result = allocate(laws, "--budget", "1000", "--limit", limit)
    assert result.exit_code == 2 and f"--limit {limit}: expected LANGUAGE=PAIRS" in result.output


def test_limits_below_the_budget(laws: Path) -> None:
    result = allocate(laws, "--budget", "1000", "--limit", "hi=10", "--limit", "de=10")
    assert result.exit_code == 2 and "Lower --budget" in result.output


def law(**changes: object) -> str:
    return json.dumps({"laws": {"deu_Latn": {"alpha": 300.0, "beta": 0.2, **changes}}})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"laws": []}',
        '{"laws": {}}',
        law(alpha="high"),
        law(alpha=-1),
        law(beta=0),
        law(gamma=None),
        law(delta=1),
    ],
)
def test_a_file_that_fit_did_not_write(text: str, laws: Path) -> None:
    laws.write_text(text)
    result = allocate(laws, "--budget", "10")
    assert result.exit_code == 2, result.exception
    assert "laws.json: not a file of `polydistill fit`" in result.output
