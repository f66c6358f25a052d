"""The commands in README.md and docs/ are what a reader can type: all are read by the CLI, and those that need neither
real weights nor a cluster are run, in the documents' order, in a folder where what they name exists.
"""

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from polydistill.cli.main import app
from polydistill.run_config import load_run
from tests.polydistill.cli.command import COMMAND

ROOT = Path(__file__).parents[3]
MADE = {"api.md", "config.md"}  # from the code, by docs/generate.py
DOCUMENTS = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name not in MADE)]

RUN = {
    "python -m polydistill.tinyworld.build out/tinyworld": "",
    "polydistill run CONFIG": "--set prompts.limit=100 --set targets=[deu_Latn] --set output=sample",
    "polydistill plan CONFIG --sample sample": "--gpus-per-node 0",
    "polydistill plan configs/runs/one_gpu.yaml": "--set prompts.path=alpaca_data.json",
    "polydistill plan configs/runs/cluster.yaml": "--set prompts.path=alpaca_data.json",
    "polydistill mix RUN --recipe NAME": "--recipe sdrrl",
    "polydistill train MIXTURE": "--set train.steps=2 --set train.max_tokens=512 --set train.cpus=0.5",
    "polydistill similarity MODEL": "--sentences 20",
    "polydistill fit points.csv": "",
    "polydistill allocate laws.json": "",
    "polydistill mix RUN --recipe m_llm": "--set parallel.allocation=german.json",
    "polydistill export MIXTURE": "--format messages --out exported.jsonl",
    "polydistill inspect MIXTURE": "",
    "polydistill calibrate en-de-dev.tsv.gz": "",
    "make demo": "--dry-run",
    "make test": "--dry-run",
    "make setup EXTRA=gpu": "--dry-run",
    "make lock": "--dry-run",
}
"""Beginnings of commands that are run, and what is added to keep them small."""


def commands(path: Path) -> Iterator[tuple[str, bool]]:
    """A document's commands, and whether each stands on a line of its own (else in the text, perhaps shortened)."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    named = r"(?:polydistill|make|python -m)"
    for found in re.finditer(rf"^(?:    |  )?({named} .+)$", _blocks(text), re.MULTILINE):
        yield re.sub(r"\s{2,}#.*", "", found[1]).strip(), True
    for found in re.finditer(rf"`({named} [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        yield " ".join(found[1].split()), False


def _blocks(text: str) -> str:
    """What stands in fences, and indented lines outside them."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    rest = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return "\n".join([*fenced, *(line for line in rest.splitlines() if line.startswith("    "))])


ALL = [(path.name, command, whole) for path in DOCUMENTS for command, whole in commands(path)]
OURS = [(name, command, whole) for name, command, whole in ALL if command.startswith("polydistill ")]


def words(command: str) -> list[str]:
    """As a shell would split it; optional parts are taken."""
    return shlex.split(command.replace("[--", "--").replace("]", " ") if " [--" in command else command)[1:]


def test_commands_are_found() -> None:
    documents = {name for name, _, _ in ALL}
    assert {"README.md", "plan.md", "training.md", "recipes.md", "cluster.md"} <= documents
    assert ("README.md", "polydistill run  configs/runs/one_gpu.yaml", True) in OURS
    for beginning in RUN:
        assert any(command.startswith(beginning) for _, command, _ in ALL), f"{beginning}: no document has it any more"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """A folder in which the names that the documents use exist."""
    folder = tmp_path_factory.mktemp("documents")
    links = {"configs": ROOT / "configs", "Makefile": ROOT / "Makefile", "requirements": ROOT / "requirements"}
    links |= {"pyproject.toml": ROOT / "pyproject.toml", "RUN": folder / "sample", "MODEL": tiny / "models" / "student"}
    links["MIXTURE"] = folder / "sample" / "mixtures" / "sdrrl"
    for name, target in links.items():
        (folder / name).symlink_to(target.resolve())
    (folder / "alpaca_data.json").symlink_to((tiny / "instructions.json").resolve())
    run = json.loads(json.dumps(yaml.safe_load((ROOT / "configs/runs/demo.yaml").read_text())))
    run = json.loads(json.dumps(run).replace("out/tinyworld", str(tiny.resolve())))
    del run["student"], run["eval"]
    run["translate"]["max_output_tokens"] = 64
    (folder / "CONFIG").write_text(yaml.safe_dump(run))
    (folder / "run.yaml").write_text(yaml.safe_dump({"train": run["train"]}))
    (folder / "FOLDER").mkdir()
    pairs = [(f"the number {i} and {i * i}", f"{i} :: {i * i}") for i in range(20)]
    for language in ("ar", "el", "hi"):
        lines = [f"{source}\t{language} {target}\n" for source, target in pairs]
        (folder / "FOLDER" / f"en-{language}.tsv").write_text("".join(lines))
    points = [(name, pairs, 100 - a * pairs**-0.3) for name, a in (("ar", 900), ("el", 700), ("hi", 800))
              for pairs in (1e4, 3e4, 1e5, 3e5)]  # fmt: skip
    (folder / "points.csv").write_text("language,pairs,score\n" + "".join(f"{n},{p:.0f},{s}\n" for n, p, s in points))
    (folder / "german.json").write_text(json.dumps({"pairs": {"de": 50}}))  # the sample's only language
    with gzip.open(folder / "en-de-dev.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("index\toriginal\ttranslation\tmean\n")
        file.writelines(f"{i}\tThis is house {i}.\tDies ist Haus {i}.\t{40 + 5 * i}\n" for i in range(10))
    return folder


@pytest.mark.parametrize(("name", "command", "whole"), OURS, ids=[f"{name}:{command}" for name, command, _ in OURS])
def test_is_read_by_the_cli(
    name: str, command: str, whole: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subcommand and its options exist, values are of their types, configuration files are valid with `--set`."""
    monkeypatch.chdir(folder)
    subcommand, *arguments = words(command)
    known = typer.main.get_command(app).commands
    assert subcommand in known
    options = {option for parameter in known[subcommand].params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("-")} <= options
    context = known[subcommand].make_context(subcommand, arguments, resilient_parsing=not whole)
    config = context.params.get("config")
    if config and str(config).startswith("configs/"):
        load_run(config, list(context.params.get("set_") or []))


@pytest.mark.slow
def test_are_run(folder: Path) -> None:
    """One after the other: a later one takes what an earlier one has made."""
    done = []
    for beginning, more in RUN.items():
        command = next(command for _, command, _ in ALL if command.startswith(beginning))
        line = [*(["polydistill"] if command.startswith("polydistill") else []), *words(command), *shlex.split(more)]
        if line[0] == "polydistill":
            line[0:1] = COMMAND
        else:
            line = [sys.executable if command.startswith("python") else command.split()[0], *line]
        result = subprocess.run(line, cwd=folder, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True)
        assert result.returncode == 0, f"{command} {more}\n{result.stderr[-3000:]}"
        done.append(command)
    assert len(done) == len(RUN)
