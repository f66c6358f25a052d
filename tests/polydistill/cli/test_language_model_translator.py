"""A language model as the translator of a whole run: tinyworld's student, which knows no German.

Its fallback is tinyworld's translator. So what the student writes has to be parsed, judged, dropped and counted, and
what the fallback makes of it is kept.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from polydistill.engine.storage.pool import open_pool

pytestmark = pytest.mark.slow

ROWS = 24
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def asked(tiny: Path, folder: Path) -> Path:
    """The student with a chat template, which a translator of method `chat` needs."""
    student = folder / "student"
    shutil.copytree(tiny / "models/student", student)
    file = student / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"chat_template": TEMPLATE}))
    return student


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[str, pa.Table]:
    """What the run said, and its pool."""
    folder = tmp_path_factory.mktemp("language-model")
    models = tiny.resolve() / "models"
    translate = {
        **{"model": str(asked(tiny, folder)), "method": "chat", "max_output_tokens": 40, "threads": 1},
        "engine": {"max_model_len": 512, "dtype": "float32", "enforce_eager": True, "max_num_seqs": 16},
        "fallback": {"model": str(models / "nllb"), "threads": 1},
    }
    config = {
        **{"output": "run", "targets": ["deu_Latn"], "translate": translate, "work": {"unit_rows": ROWS}},
        "prompts": {"path": str(tiny.resolve() / "instructions.json"), "limit": ROWS},
        "judge": {"rules": {"copied": 1.0}, "quality": {"model": str(models / "comet"), "threshold": 0.8}},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-c", "from polydistill.cli.main import main; main()", "synth", "run.yaml"]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"COLUMNS": "200"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout + done.stderr, pa.concat_tables(open_pool(str(folder / "run")).tables("deu_Latn"))


def test_what_the_model_writes_is_judged_and_what_fails_is_translated_again(run: tuple[str, pa.Table]) -> None:
    said, pool = run
    assert pool.num_rows == ROWS
    assert pool["reason_without_fallback"].null_count == 0  # a student without German translates nothing
    assert pool["reason"].null_count >= ROWS / 2
    tried = [one for text in pool["tried_instruction"].to_pylist() for one in text or ()]
    first = [one for one in tried if one["origin"] == "beam"]
    assert len(first) == ROWS and all(one["reason"] for one in first)
    assert [one["taken"] for one in tried if one["origin"] == "fallback"].count(True) >= ROWS / 2
    assert "of all characters) translated by the fallback" in said
