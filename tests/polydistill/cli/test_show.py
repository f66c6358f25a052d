"""`polydistill show`: which rows, and what fits together."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from polydistill.cli.main import app
from tests.engine.pool_fixture import row, write_run


@pytest.fixture
def run(tmp_path: Path) -> str:
    return write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(9)]}, unit_rows=4)


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["show", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_first_line_says_how_many_of_how_many(run: str) -> None:
    text = shown(run, "-n", "2", "--seed", "3")
    assert text.splitlines()[0] == f"pool {run}: 2 of 9 rows, seed 3"
    assert text.count("Question ") >= 2 and text == shown(run, "-n", "2", "--seed", "3")
    assert text != shown(run, "-n", "2", "--seed", "4")


def test_fewer_rows_are_the_beginning_of_more(run: str) -> None:
    few, many = (shown(run, "-n", str(count)).split("\n", 1)[1].strip() for count in (2, 5))
    assert many.startswith(few)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tokens"], "holds pool. Name a mixture."),
        (["--student", "some/model"], "say how tokens are made. Add --tokens."),
        (["--subset", "TT"], "has no subset"),
    ],
)
def test_options_that_do_not_fit(run: str, options: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["show", run, *options])
    assert result.exit_code == 2 and message in " ".join(result.output.split())
