"""The worked diffs of CONTRIBUTING.md apply to the code at hand, and what they add works."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIFFS = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> Path:
    """A copy of the tree with all diffs applied."""
    copy = tmp_path_factory.mktemp("changed") / "tree"
    skip = shutil.ignore_patterns(".*", "out", "weights", "docs", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=skip)
    for diff in DIFFS:
        patch = ["patch", "-p1", "--forward", "--no-backup-if-mismatch"]
        done = subprocess.run(patch, cwd=copy, input=diff, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return copy


def python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_three(changed):
    assert len(DIFFS) == 3


def test_the_recipe_is_valid(changed):
    code = "import polydistill; print(list(polydistill.load_recipe('ask_native').subsets))"
    assert python(code, changed).strip() == "['LL', 'TL']"


def test_the_rule_finds_what_its_test_says(changed):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--noconftest", str(Path("tests/engine/judging", "test_symbols.py"))],
        cwd=changed, env={"PYTHONPATH": str(changed)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not (ROOT / "eval" / "benchmark.py").exists(), reason="the protocol of benchmarks is not there yet")
def test_the_benchmark_reads_its_file(changed, tmp_path):
    (tmp_path / "deu_Latn.jsonl").write_text('{"id": "1", "question": "Ist Wasser nass?", "answer": "yes"}\n')
    code = (
        "from pathlib import Path\n"
        "from polydistill.eval.benchmark import Wanted, benchmark\n"
        "from polydistill.eval.config import Task\n"
        f"wanted = Wanted(Task(task='yesno'), Path({str(tmp_path)!r}), 'deu_Latn', 'eng_Latn')\n"
        "print(benchmark('yesno').questions(wanted)['yesno'][0].choices)"
    )
    assert python(code, changed).strip() == "('yes', 'no')"
