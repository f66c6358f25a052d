import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from polydistill.engine.errors import UserError
from polydistill.eval.analysis.similarity import gamma


def test_gamma_is_the_mean_reciprocal_rank() -> None:
    source = np.eye(3)
    assert gamma(source, source) == 1.0
    assert gamma(source, source[[0, 2, 1]]) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert gamma(source, np.ones((3, 3))) == pytest.approx(1 / 3)  # all alike: the worst rank for each


def test_gamma_by_hand() -> None:
    source = np.array([[1.0, 0.0], [0.0, 1.0]])
    target = np.array([[0.9, 0.1], [1.0, 0.2]])
    assert gamma(source, target) == 1.0
    assert gamma(source, target[::-1]) == 0.5


def test_near_languages_score_higher() -> None:
    draw = np.random.default_rng(0)
    base = draw.normal(size=(100, 16))
    noise = draw.normal(size=base.shape)
    values = [gamma(base, base + scale * noise) for scale in (0.1, 1.0, 3.0)]
    assert values[0] == 1.0 and values[0] > values[1] > values[2] > 0.05


def call(name: str, *arguments: str) -> str:
    import importlib

    app = typer.Typer()
    app.command()(importlib.import_module(f"polydistill.cli.{name}").command)
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_from_points_to_allocation(tmp_path: Path) -> None:
    from polydistill.eval.analysis.allocation import Law

    lines = ["language,pairs,score"]
    similarity = {"deu_Latn": 0.8, "hin_Deva": 0.3}
    for name, value in similarity.items():
        law = Law(300, 0.25, value)
        lines += [f"{name},{n},{law.score(n):.4f}" for n in (10_000, 50_000, 200_000, 1_000_000)]
    (tmp_path / "points.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "gamma.json").write_text(json.dumps({"gamma": similarity}))
    files = [tmp_path / name for name in ("points.csv", "laws.json", "gamma.json", "curve.png", "allocation.json")]
    text = call("fit", files[0], "--out", files[1], "--gamma", files[2], "--plot", files[3])
    assert "alpha 300" in text and "beta 0.25 [" in text
    assert files[3].read_bytes().startswith(b"\x89PNG")
    text = call("allocate", files[1], "--budget", "300000", "--limit", "hin_Deva=1000000", "--out", files[4])
    assert text.rstrip().endswith(": optimal")
    pairs = json.loads(files[4].read_text())["pairs"]
    assert sum(pairs.values()) == 300_000 and pairs["hin_Deva"] > pairs["deu_Latn"]


def test_mistakes_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("language,pairs,score\nde,ten,80\n")
    with pytest.raises(UserError, match=r"points\.csv:2"):
        call("fit", tmp_path / "points.csv", "--out", tmp_path / "x")
    with pytest.raises(UserError, match="polydistill fit"):
        call("allocate", tmp_path / "points.csv", "--budget", "5")


@pytest.mark.slow
def test_similarity_of_a_real_model(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "gamma.json"
    model, parallel = tiny / "models/student", tiny / "parallel"
    call("similarity", model, "--parallel", parallel, "--targets", "de,ja", "--sentences", "60", "--out", out)
    found = json.loads(out.read_text())
    assert set(found["gamma"]) == {"deu_Latn", "jpn_Jpan"}
    assert all(found["chance"] / 2 < value <= 1 for value in found["gamma"].values())
