from polydistill.fetching import Item, wanted
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


def test_local_files_are_not_fetched(tmp_path):
    (tmp_path / "nllb").mkdir()
    sections = {"output": "out", "targets": ["de"], "prompts": {"path": str(tmp_path / "rows.json")}}
    assert wanted(RunConfig.model_validate(sections | {"translate": {"model": str(tmp_path / "nllb")}})) == []


def test_an_item_says_size_and_license():
    item = Item("translate.model", "facebook/nllb-200-3.3B", "model", 17_600_000_000, "cc-by-nc-4.0")
    assert "17.60 GB" in str(item) and "license: cc-by-nc-4.0" in str(item) and "(translate.model)" in str(item)
