import pytest

from polydistill.fetching import Item, files, wanted
from polydistill.run_config import RunConfig, load_run
from polydistill.templates import RUNS


def test_a_run_names_its_models_and_data_sets():
    found = {item.name: item.kind for item in wanted(load_run(RUNS / "one_gpu.yaml"))}
    assert found == {
        "meta-llama/Llama-2-7b-hf": "model",
        "facebook/nllb-200-3.3B": "model",
        "Unbabel/wmt22-cometkiwi-da": "model",
        "tatsu-lab/alpaca": "dataset",
        "facebook/belebele": "dataset",
    }


@pytest.mark.parametrize("name", ["one_gpu", "eight_gpus", "cluster"])
def test_everything_that_a_shipped_run_reads_can_be_fetched(name):
    run = load_run(RUNS / f"{name}.yaml")
    items, found = {item.key for item in wanted(run)}, {each.key: each for each in files(run)}
    assert {"student.model", "translate.model", "judge.quality.model", "prompts.path"} <= items
    assert {"dictionaries.path", "parallel.path"} <= set(found)
    assert run.eval and {f"eval.tasks.{task.task}" for task in run.eval.tasks} <= {*items, *found}
    if name == "one_gpu":
        assert "en-ja.txt" in {each.name for each in found["dictionaries.path"].wanted}
        assert "devtest/jpn_Jpan.devtest" in {each.name for each in found["eval.tasks.flores"].wanted}


@pytest.mark.parametrize("name", ["laptop", "small_real"])
def test_models_of_runs_on_rows_of_ones_own_can_be_fetched(name):
    run = load_run(RUNS / f"{name}.yaml")
    assert {"student.model", "translate.model"} == {item.key for item in wanted(run)}
    assert {each.key for each in files(run)} == (
        {"dictionaries.path", "eval.tasks.xquad", "eval.tasks.mgsm"} if name == "small_real" else set()
    )


def test_local_files_are_not_fetched(tmp_path):
    (tmp_path / "nllb").mkdir()
    sections = {"output": "out", "targets": ["de"], "prompts": {"path": str(tmp_path / "rows.json")}}
    assert wanted(RunConfig.model_validate(sections | {"translate": {"model": str(tmp_path / "nllb")}})) == []


def test_an_item_says_size_and_license():
    item = Item("translate.model", "facebook/nllb-200-3.3B", "model", 17_600_000_000, "cc-by-nc-4.0")
    assert "17.60 GB" in str(item) and "license: cc-by-nc-4.0" in str(item) and "(translate.model)" in str(item)
