import json

import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.inspection.describe import describe
from tests.engine.pool_fixture import row, write_run


def test_a_run_and_its_model_folders_are_told_apart(tmp_path):
    run = write_run(tmp_path / "run", {"deu_Latn": [row(0, "deu_Latn")]})
    (tmp_path / "run" / "config.json").write_text("{}")  # of the run, not of a model
    assert describe(run).kind == "run"
    (tmp_path / "run" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    assert describe(run).kind == "checkpoint"


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(DamagedError, match=r"metrics\.json: damaged"):
        describe(tmp_path)


def test_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="neither a run"):
        describe(tmp_path)
    with pytest.raises(UserError, match="nowhere: no such folder"):
        describe(tmp_path / "nowhere")


@pytest.mark.parametrize("part", ["prompts", "pool", "units"])
def test_a_part_of_a_run_tells_about_the_run(part, tmp_path):
    """The prompts' record has the name of a mixture's."""
    run = write_run(tmp_path / "run", {"deu_Latn": [row(0, "deu_Latn")]})
    assert describe(f"{run}/{part}").text() == describe(run).text()
