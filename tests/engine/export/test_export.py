import json
from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.export.export import export
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.storage.shards import Folder
from tests.engine.pool_fixture import row, write_run


@pytest.fixture
def mixture(tmp_path: Path) -> str:
    rows = [row(i, "jpn_Jpan", input="a b" if i else "") for i in range(5)]
    run = write_run(tmp_path / "run", {"jpn_Jpan": rows}, unit_rows=2)
    Path(run, "config.yaml").write_text(
        "prompts: [{path: alpaca.json}]\nstudent: {model: llama}\ntranslate: {model: nllb}\n"
        "judge: {language_id: lid.176, quality: {model: kiwi, threshold: 0.8}, rules: {repetition: 0.4}}\n"
    )
    mix(run, load_recipe("t_sft"), Folder.of(tmp_path / "mixture"))
    return str(tmp_path / "mixture")


def test_alpaca(mixture: str, tmp_path: Path) -> None:
    rows = json.loads(export(mixture, "alpaca", tmp_path / "a.json").read_text(encoding="utf-8"))
    assert len(rows) == 10
    assert {"instruction": "Question 1?", "input": "a b", "output": "Truth 1."} in rows
    lines = export(mixture, "alpaca", tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows


def test_conversations(mixture: str, tmp_path: Path) -> None:
    chat = json.loads(export(mixture, "messages", tmp_path / "m.json").read_text(encoding="utf-8"))
    wanted = [{"role": "user", "content": "Question 1?\n\na b"}, {"role": "assistant", "content": "Truth 1."}]
    assert {"messages": wanted} in chat
    turns = json.loads(export(mixture, "sharegpt", tmp_path / "s.json").read_text(encoding="utf-8"))
    assert {"from": "gpt", "value": "jp:Truth 3."} in [turn["conversations"][1] for turn in turns]


def test_llamafactory_finds_its_columns(mixture: str, tmp_path: Path) -> None:
    folder = export(mixture, "llamafactory", tmp_path / "factory")
    info = json.loads((folder / "dataset_info.json").read_text())
    rows = json.loads((folder / info["t_sft"]["file_name"]).read_text(encoding="utf-8"))
    assert all(set(info["t_sft"]["columns"].values()) <= set(entry) for entry in rows)


def test_datasets_opens_the_folder_and_the_card(mixture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import DatasetCard

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = export(mixture, "datasets", tmp_path / "hub")
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == 10 and set(loaded["subset"]) == {"LL", "TT"}
    card = DatasetCard.load(folder / "README.md")
    assert card.data.language == ["en", "ja"] and card.data.size_categories == ["n<1K"]
    for text in ("alpaca.json", "kiwi, below 0.8", "nllb", "| TT | target | target | 5 | 0 | 1 |", "repetition 0.4"):
        assert text in card.text


def test_nothing_is_overwritten(mixture: str, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("x")
    with pytest.raises(UserError, match="exists"):
        export(mixture, "alpaca", tmp_path / "mine.json")
    with pytest.raises(UserError, match="unknown format"):
        export(mixture, "csv", tmp_path / "b")
