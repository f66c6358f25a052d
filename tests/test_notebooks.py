"""The notebooks run from top to bottom, and print what their text promises."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def execute(name: str) -> dict[str, object]:
    """Run all code cells of a notebook in one namespace, as a kernel would; returns the namespace."""
    cells = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))["cells"]
    namespace: dict[str, object] = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}:{cell['id']}", "exec"), namespace)
    return namespace


@pytest.fixture
def folder(tiny, tmp_path, monkeypatch) -> Path:
    """A working directory in which tinyworld is built already."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tinyworld").symlink_to(tiny.resolve())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_notebook_is_run_here():
    assert {path.name for path in NOTEBOOKS.glob("*.ipynb")} == {"look_into_a_pool.ipynb", "judge_your_own_pairs.ipynb"}


def test_judge_your_own_pairs(folder, capsys):
    found = execute("judge_your_own_pairs.ipynb")
    reasons = [pair.reason for pair in found["judged"]]
    assert reasons[0] is None and reasons[3] is None
    assert reasons[2] is not None and reasons[4] is not None
    assert "digits" in found["judged"][1].flags
    assert capsys.readouterr().out.count("->") == 2


@pytest.mark.slow
def test_look_into_a_pool(folder, local_ray, capsys):
    found = execute("look_into_a_pool.ipynb")
    assert sum(found["reasons"].values()) == found["pool"].rows("deu_Latn")
    assert found["strict"].record.subset("TT").rows < found["usual"].record.subset("TT").rows
    assert "kept" in capsys.readouterr().out
