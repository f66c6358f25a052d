"""Prompts, found wrong before anything expensive."""

import os
import subprocess
import sys
from pathlib import Path

from polydistill.checks import data
from tests.engine.prompts.hub import serving
from tests.polydistill.checks.runs import only, run


def test_nothing_is_wrong(folder: Path) -> None:
    assert data.languages(run(folder)) == data.prompts(run(folder)) == []


def test_a_source_language_among_the_targets(folder: Path) -> None:
    assert only(data.languages(run(folder, targets=["de", "en"]))).key == "targets"
    both = [{"path": str(folder / "rows.json"), "language": code} for code in ("en", "de")]
    assert data.languages(run(folder, prompts=both)) == []  # each is translated into the other


def test_the_source_of_prompts_that_is_wrong_is_named_by_its_number(folder: Path) -> None:
    assert only(data.prompts(run(folder, prompts={"path": str(folder / "no.json")}))).key == "prompts.path"
    (folder / "cut.json").write_text('[{"instruction": "a"')
    many = [{"path": str(folder / name)} for name in ("rows.json", "cut.json")]
    problem = only(data.prompts(run(folder, prompts=many)))
    assert problem.key == "prompts.1.path" and "cut.json" in problem.text


CHECK = """
from polydistill.checks.data import readable
from polydistill.engine.config import PromptSource

print([problem.text for problem in readable(PromptSource(path="org/bare"), "prompts.path", "en")])
"""
FETCH = "from polydistill.engine.files.hub import snapshot\nsnapshot('org/bare', 'dataset')"


def test_a_fetched_data_set_without_a_card_is_no_problem_offline(tmp_path: Path) -> None:
    env = os.environ | {"HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
    with serving("org/bare", {"main": {"data/train.jsonl": b'{"instruction": "Q?", "output": "A."}\n'}}) as address:
        online = env | {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}
        subprocess.run([sys.executable, "-c", FETCH], env=online, capture_output=True, check=True)
    done = subprocess.run([sys.executable, "-c", CHECK], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
