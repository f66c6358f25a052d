import json
import time
from typing import Any

import pytest

import polydistill
from polydistill import Run
from polydistill.engine.config import dump
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder

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


def test_a_run_s_folder_is_a_run_wherever_it_was_moved(tmp_path):
    first = Run(SECTIONS | {"prompts": {"path": "p.json"}}, set=["seed=5"])
    write_configuration(Folder.of(first.output), dump(first.config))
    (tmp_path / "out").rename(tmp_path / "moved")
    moved = Run(tmp_path / "moved")
    assert moved.output == f"{tmp_path}/moved" and moved.config.seed == 5
    assert moved.config.model_copy(update={"output": first.output}) == first.config


def test_a_damaged_configuration_is_no_other_run(tmp_path):
    first = Run(SECTIONS | {"prompts": {"path": "p.json"}}, set=["seed=5"])
    write_configuration(Folder.of(first.output), dump(first.config))
    file = tmp_path / "out/config.yaml"
    file.write_text(file.read_text().replace("seed: 5", "seed: 4"))
    with pytest.raises(DamagedError, match="with the run's own YAML file"):
        Run(tmp_path / "out")


def test_nothing_is_done_yet():
    run = Run(SECTIONS | {"prompts": {"path": "p.json"}, "student": {"model": "org/m"}, "eval": ["belebele"]})
    assert run.unfinished() == ["synth", "mix", "train", "eval"]
    assert run.scores() is None
    with pytest.raises(UserError):
        _ = run.pool


def test_a_model_is_named_by_recipe_and_seed():
    run = Run(SECTIONS | {"prompts": {"path": "p.json"}, "recipe": "mine/own.yaml"})
    assert run.model_name(3) == "own/seed3"


def test_a_folder_in_use_is_refused_before_ray_is_started(monkeypatch):
    run = Run(SECTIONS | {"prompts": {"path": "p.json"}})
    monkeypatch.setattr("polydistill.engine.cluster.cluster", None)  # would be called
    with exclusive(Folder.of(run.output)), pytest.raises(UserError, match="another run is writing"), run.cluster():
        pass


WRONG = {
    "output": "out",
    "targets": "de",
    "prompts": {"path": "rows.json"},
    "translate": {"model": "./nowhere"},
    "student": {"model": "./nobody"},
    "recipe": "sdrrl",
    "eval": {"data": "nothing", "tasks": ["belebele"]},
}


@pytest.mark.parametrize(
    ("step", "keys"),
    [
        (lambda run: run.synthesize(), ["translate.model: ", "prompts.path: "]),
        (lambda run: run.mix(), ["dictionaries: recipe sdrrl", "parallel: recipe sdrrl"]),
        (lambda run: run.mix("x_llm"), ["parallel: recipe x_llm"]),
        (lambda run: run.train("mixture"), ["student.model: "]),
        (lambda run: run.evaluate({}), ["student.model: ", "eval.tasks.belebele: "]),
        (lambda run: polydistill.compare(run, ["cit"]), ["student.model: ", "eval.tasks.belebele: "]),
    ],
)
def test_each_step_is_checked_before_it_begins(step: Any, keys: list[str], tmp_path) -> None:
    """As the command line does it: all problems of the step at once, nothing started and nothing written."""
    start = time.process_time()
    with pytest.raises(UserError, match="nothing was started") as error:
        step(Run(WRONG))
    assert all(key in str(error.value) for key in keys)
    assert time.process_time() - start < 10 and not (tmp_path / "out").exists()


def test_what_was_found_right_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("polydistill.checks.check", lambda config, steps, cluster: asked.append(list(steps)) or [])
    run = Run(WRONG)
    run.require()
    run.require(["train"])
    run.require(["mix", "eval"])
    assert asked == [["synth", "mix", "train", "eval"]]
    run.require(["mix"], ["sft"])  # another recipe needs other things
    assert asked[1:] == [[], ["mix"]]
