import json

import pytest

from polydistill import Run
from polydistill.engine.errors import UserError

SECTIONS = {"output": "out", "targets": "de", "translate": {"model": "org/nllb"}}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_rows_are_written_once_and_become_the_prompts(tmp_path):
    rows = [{"instruction": "Nenne eine Farbe.", "output": "Blau."}, {"instruction": "Wer?"}]
    run = Run(SECTIONS, rows=rows)
    file = tmp_path / "out/rows.jsonl"
    assert run.config.prompts[0].path == str(file)
    assert [json.loads(line) for line in file.read_text().splitlines()] == rows
    before = file.stat().st_mtime_ns
    Run(SECTIONS, rows=iter(rows))
    assert file.stat().st_mtime_ns == before


def test_paths_hold_in_workers_that_were_started_elsewhere(tmp_path):
    run = Run(SECTIONS | {"prompts": {"path": "p.json"}}, set=["dictionaries.path=lists"])
    assert run.output == f"{tmp_path}/out" and run.config.dictionaries.path == f"{tmp_path}/lists"
    assert run.config.translate.model == "org/nllb"


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(UserError, match=r"no run here \(config\.yaml is missing\)"):
        Run(tmp_path)


def test_nothing_is_done_yet():
    run = Run(SECTIONS | {"prompts": {"path": "p.json"}, "student": {"model": "org/m"}, "eval": ["belebele"]})
    assert run.unfinished() == ["synth", "mix", "train", "eval"]
    assert run.scores() is None
    with pytest.raises(UserError):
        _ = run.pool


def test_a_model_is_named_by_recipe_and_seed():
    run = Run(SECTIONS | {"prompts": {"path": "p.json"}, "recipe": "mine/own.yaml"})
    assert run.model_name(3) == "own/seed3"
