"""`polydistill fit`: from a table of measured scores to the laws that `allocate` reads."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polydistill.cli.main import app
from polydistill.eval.analysis.allocation import Law

TRUE = {"deu_Latn": Law(250.0, 0.25, 0.8), "hin_Deva": Law(400.0, 0.3, 0.4)}
SIZES = (10_000, 30_000, 100_000, 300_000)


def fit(folder: Path, points: str, *options: str) -> Result:
    (folder / "points.csv").write_text(points, encoding="utf-8")
    return CliRunner().invoke(app, ["fit", str(folder / "points.csv"), "--out", str(folder / "laws.json"), *options])


def measured() -> str:
    """Points on the true curves; the languages are named as people name them."""
    names = {"deu_Latn": "de", "hin_Deva": "Hindi"}
    rows = [f"{names[code]},{size},{law.score(size)}" for code, law in TRUE.items() for size in SIZES]
    return "\n".join(["language,pairs,score", *rows])


def test_the_laws_that_the_points_lie_on(tmp_path: Path) -> None:
    (tmp_path / "gamma.json").write_text(json.dumps({"gamma": {"deu_Latn": 0.8, "hin_Deva": 0.4}}))
    picture = tmp_path / "curves.svg"
    result = fit(tmp_path, measured(), "--gamma", str(tmp_path / "gamma.json"), "--plot", str(picture))
    assert result.exit_code == 0, result.exception
    assert "deu_Latn  alpha 250 [" in result.output and "gamma 0.400" in result.output
    laws = json.loads((tmp_path / "laws.json").read_text())["laws"]
    for code, law in TRUE.items():
        assert (laws[code]["alpha"], laws[code]["beta"]) == pytest.approx((law.alpha, law.beta), rel=1e-3)
    assert "<svg" in picture.read_text()


HEAD = "language,pairs,score\n"
WRONG = {
    "another column": ("language,pairs,bleu\nde,10,50\n", "points.csv:2: expected the columns"),
    "no number": (f"{HEAD}de,10,50\nde,many,50\n", "points.csv:3: expected the columns"),
    "a short row": (f"{HEAD}de,10\n", "points.csv:2: expected the columns"),
    "no rows": (HEAD, "no points"),
    "no language": (f"{HEAD}Klingon,10,50\n", "Klingon"),
    "pairs that are no number": (f"{HEAD}de,nan,50\nde,20,60\nde,30,70\n", "pairs must be above 0"),
    "endless pairs": (f"{HEAD}de,10,50\nde,20,60\nde,inf,70\n", "pairs must be above 0"),
    "endless score": (f"{HEAD}de,10,-inf\nde,20,60\nde,30,70\n", "scores below 100"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_table_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    points, message = WRONG[name]
    result = fit(tmp_path, points)
    assert result.exit_code == 2 and message in result.output
    assert not (tmp_path / "laws.json").exists()


@pytest.mark.parametrize("text", ["[1]", "{", '{"gamma": [1]}', '{"laws": {}}', '{"gamma": {"deu_Latn": "x"}}'])
def test_a_file_that_similarity_did_not_write(text: str, tmp_path: Path) -> None:
    (tmp_path / "gamma.json").write_text(text)
    result = fit(tmp_path, measured(), "--gamma", str(tmp_path / "gamma.json"))
    assert result.exit_code == 2, result.exception
    assert "gamma.json: not a file of `polydistill similarity`" in result.output


def test_scores_that_fall_with_more_data(tmp_path: Path) -> None:
    result = fit(tmp_path, f"{HEAD}de,10000,80\nde,20000,70\nde,40000,60\nde,80000,40\n")
    assert result.exit_code == 2 and "deu_Latn: no law fits" in result.output
