"""The demo's run is that of the file, on the world in the working directory."""

from pathlib import Path

import pytest

from polydistill import demo
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.tinyworld import build as building


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Folders that a world was asked for in; none is built."""
    asked: list[str] = []
    monkeypatch.setattr(building, "build", asked.append)
    monkeypatch.chdir(tmp_path)
    return asked


def test_paths_are_relative_to_where_one_stands(built: list[str], tmp_path: Path) -> None:
    run = demo.demo_run(["seed=7"])
    assert built == ["out/tinyworld"] and run.config.seed == 7
    assert run.output == str(tmp_path / "out/demo")
    assert run.config.prompts[0].path == str(tmp_path / "out/tinyworld/instructions.json")


def test_a_wrong_setting_is_found_before_anything_is_built(built: list[str]) -> None:
    with pytest.raises(UserError, match="did you mean"):
        demo.demo_run(["translate.beem=1"])
    assert built == []


def test_its_recipes_are_there() -> None:
    assert [load_recipe(name).name for name in demo.RECIPES] == list(demo.RECIPES)
