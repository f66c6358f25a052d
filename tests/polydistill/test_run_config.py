import pytest
import yaml

from polydistill.engine.config import dump
from polydistill.engine.errors import UserError
from polydistill.run_config import RunConfig, load_run

RUN = {"output": "out", "targets": ["de"], "prompts": {"path": "p.json"}, "translate": {"model": "org/nllb"}}


def run(**sections):
    return RunConfig.model_validate(RUN | sections)


def test_an_evaluation_takes_the_languages_of_the_run():
    found = run(source="fr", eval=["belebele"]).evaluation()
    assert (found.source, found.targets) == ("fra_Latn", ["deu_Latn"])


def test_an_evaluation_keeps_languages_of_its_own():
    found = run(source="fr", eval={"tasks": ["belebele"], "source": "es", "targets": ["th"]}).evaluation()
    assert (found.source, found.targets) == ("spa_Latn", ["tha_Thai"])


def test_a_dumped_configuration_evaluates_in_the_same_languages():
    before = run(source="fr", eval={"tasks": ["belebele"], "source": None})
    assert RunConfig.model_validate(dump(before)) == before
    assert before.evaluation().source == "fra_Latn"


def test_a_run_without_evaluation_says_how_to_add_one():
    with pytest.raises(UserError, match=r"no `eval` section. Add one"):
        run().evaluation()


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    file = tmp_path / "run.yaml"
    sections = {"student": {"model": "models/mine"}, "leakage": {"against": ["eval", "/data/x"]}}
    file.write_text(yaml.safe_dump(RUN | sections))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = load_run(file, ["dictionaries.path=lists"])
    assert found.output == f"{tmp_path}/out"
    assert found.prompts[0].path == f"{tmp_path}/p.json"
    assert found.student.model == f"{tmp_path}/models/mine"
    assert found.translate.model == "org/nllb"  # no such folder: a hub id
    assert found.leakage.against == [f"{tmp_path}/eval", "/data/x"]
    assert found.dictionaries.path == f"{tmp_path}/elsewhere/lists"  # typed by somebody who stands there
