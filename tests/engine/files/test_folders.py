import os
from pathlib import Path

import datasets
import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.files.folders import find_files
from polydistill.engine.files.rows import read_rows


def names(path: Path | str, split: str | None = None) -> list[str]:
    root = str(path).rstrip("/")
    return [os.path.relpath(file.path, root) for file in find_files(str(path), split)]


def touch(folder: Path, *files: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


def test_a_folder_gives_its_files_in_order(tmp_path):
    touch(tmp_path, "b.jsonl", "a/z.json.gz", "a/README.txt", ".x.json", "_y.json", "a/dataset_info.json", "c.png")
    assert names(tmp_path) == ["a/z.json.gz", "b.jsonl"]
    assert names(tmp_path / "b.jsonl") == ["."]


def test_a_glob_and_the_home_folder(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jsonl", "a/2.jsonl", "a/b/3.jsonl", "a/x.csv")
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {
        pattern: [Path(f.path).name for f in find_files(pattern)] for pattern in ("~/a/*.jsonl", "~/**/[13].jsonl")
    }
    assert found == {"~/a/*.jsonl": ["1.jsonl", "2.jsonl"], "~/**/[13].jsonl": ["1.jsonl", "3.jsonl"]}
    with pytest.raises(UserError, match=r"~/a/\*\.parquet: no file matches"):
        find_files("~/a/*.parquet")


def test_splits_are_never_merged_in_silence(tmp_path):
    touch(tmp_path, "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test.parquet")
    with pytest.raises(UserError, match=r"several splits \(test, train\). Choose one with `split`"):
        find_files(str(tmp_path))
    assert len(names(tmp_path, "train")) == 2 and names(tmp_path, "test") == ["data/test.parquet"]
    with pytest.raises(UserError, match=r"no split 'dev' \(found: test, train\)"):
        find_files(str(tmp_path), "dev")


def test_a_saved_data_set_needs_its_split(tmp_path):
    parts = {name: datasets.Dataset.from_dict({"q": [name]}) for name in ("train", "test")}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "both")
    with pytest.raises(UserError, match=r"several splits \(train, test\)"):
        find_files(str(tmp_path / "both"))
    with pytest.raises(UserError, match=r"no split 'dev' \(found: train, test\)"):
        find_files(str(tmp_path / "both"), "dev")
    (file,) = find_files(str(tmp_path / "both"), "test")
    assert [value for rows in read_rows(file) for value in rows.values] == [{"q": "test"}]
    datasets.DatasetDict(train=parts["train"]).save_to_disk(tmp_path / "one")
    touch(tmp_path / "one/train", "data-00007-of-00009.arrow")  # of an earlier, larger save
    assert names(tmp_path / "one") == ["train/data-00000-of-00001.arrow"]


@pytest.mark.parametrize("state", ["{}", "[]", '{"_data_files": [{"filename": "../x"}]}', "nope"])
def test_a_damaged_state_is_said(state, tmp_path):
    (tmp_path / "state.json").write_text(state)
    with pytest.raises(UserError, match=r"state\.json: (damaged|broken JSON)"):
        find_files(str(tmp_path))


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        find_files(str(tmp_path / "x.json"))
    with pytest.raises(UserError, match="no file that ends in"):
        find_files(str(tmp_path))
