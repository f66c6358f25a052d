from pathlib import Path

import pytest

from polydistill import configs
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.run_config import load_run

RUNS = sorted((Path(configs.__file__).parent / "runs").glob("*.yaml"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_every_run_is_valid_and_names_a_recipe(path):
    run = load_run(path)
    assert load_recipe(run.recipe).name == run.recipe
    assert path.read_text().startswith("# ") and "polydistill" in path.read_text()[:400]


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(UserError, match=r"translate\.beem: unknown key; did you mean 'beam'\?"):
        load_run(RUNS[0], ["translate.beem=3"])


def test_a_language_that_nllb_does_not_know():
    with pytest.raises(UserError, match=r"targets\.1: unknown language 'Klingon'"):
        load_run(RUNS[0], ["targets=[de,Klingon]"])
