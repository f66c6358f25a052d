"""What is trained on: mixtures that are not there, or not whole."""

import json
from pathlib import Path

import pyarrow as pa

from polydistill.checks import training
from polydistill.checks.check import STEPS
from polydistill.engine import schema
from polydistill.run_config import RunConfig
from tests.engine.mixture_fixture import write_mixture

ROW = {"id": "1", "subset": "LL", "source": "eng_Latn", "target": "deu_Latn", "instruction": "Say 1.", "weight": 1.0}


def test_a_mixture_that_is_not_there_and_one_that_is_not_whole(tmp_path: Path) -> None:
    (problem,) = training.whole(str(tmp_path), "MIXTURE")
    assert problem.key == "MIXTURE" and "no mixture here" in problem.text
    mixture = write_mixture(tmp_path / "mixture", pa.Table.from_pylist([ROW], schema.MIXTURE))
    assert training.whole(mixture, "MIXTURE") == []
    (tmp_path / "mixture/000000.arrow").unlink()
    (problem,) = training.whole(mixture, "MIXTURE")
    assert "000000.arrow is missing" in problem.text


def test_an_adapter_may_answer_but_is_not_trained(tmp_path: Path) -> None:
    """`run` would find out behind synthesis only."""
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base", "r": 8}))
    base = {"output": str(tmp_path / "out"), "targets": ["de"], "prompts": {"path": "rows.json"}}
    run = RunConfig.model_validate(base | {"student": {"model": str(adapter)}, "translate": {"model": "org/nllb"}})
    (problem,) = training.student(run)
    assert problem.key == "student.model" and "base org/base" in problem.text
    assert training.student in STEPS["train"] and training.student not in STEPS["synth"]
    assert training.student(RunConfig.model_validate(base | {"translate": {"model": "org/nllb"}})) == []


def test_mixtures_of_earlier_trainings_are_named_by_their_number(tmp_path: Path) -> None:
    base = {
        "output": str(tmp_path / "out"),
        "targets": ["de"],
        "prompts": {"path": "rows.json"},
        "translate": {"model": "org/nllb"},
    }
    given = RunConfig.model_validate(base | {"train": {"before": [{"mixture": str(tmp_path / "nowhere")}]}})
    (problem,) = training.before(given)
    assert problem.key == "train.before.0.mixture" and "nowhere" in problem.text
