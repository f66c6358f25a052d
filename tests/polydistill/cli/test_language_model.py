"""`polydistill synth` with a language model as the translator: tinyworld's student in vLLM, which knows no German."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from polydistill.engine.schema import FIELDS
from polydistill.engine.storage.pool import open_pool
from tests.polydistill.cli.command import polydistill

pytestmark = pytest.mark.slow

ROWS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    folder = tmp_path_factory.mktemp("language-model")
    shutil.copytree(tiny / "models/student", folder / "student")
    (folder / "student/chat_template.jinja").write_text("{% for turn in messages %}{{ turn.content }}{% endfor %}")
    rows = json.loads((tiny / "instructions.json").read_text(encoding="utf-8"))
    (folder / "rows.json").write_text(json.dumps(rows[:ROWS]))
    engine = {"max_model_len": 512, "dtype": "float32", "enforce_eager": True, "max_num_seqs": 64}
    run = {
        "output": "run",
        "targets": ["de"],
        "prompts": {"path": "rows.json"},
        "translate": {"model": "student", "method": "chat", "max_output_tokens": 40, "engine": engine},
        "judge": {"quality": {"model": str(tiny.resolve() / "models/comet"), "threshold": 0.8}},
        "work": {"unit_rows": ROWS // 2},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(run))
    (folder / "screen").write_text(polydistill(folder, "synth", "run.yaml"))
    return folder


@pytest.fixture(scope="module")
def pool(folder: Path) -> list[dict[str, Any]]:
    return [row for table in open_pool(str(folder / "run")).tables("deu_Latn") for row in table.to_pylist()]


def test_every_row_is_there_and_the_judge_drops_what_is_no_german(pool: list[dict[str, Any]]) -> None:
    assert len(pool) == ROWS and all(row["mt_instruction"] for row in pool)
    assert all(row["reason"] is not None for row in pool)


def test_answers_in_place_of_translations_are_noticed(pool: list[dict[str, Any]]) -> None:
    asked = [row for row in pool if row["instruction"].endswith("?") and row["mt_instruction"]]
    assert len(asked) > ROWS / 4
    for row in asked:
        answered = "?" not in row["mt_instruction"]
        assert ("answered" in row["notes_instruction"]) == answered
        assert not answered or row["reason_instruction"] is not None


def test_the_report_counts_what_the_pool_holds(folder: Path, pool: list[dict[str, Any]]) -> None:
    report = json.loads((folder / "run/report.json").read_text(encoding="utf-8"))
    german = report["languages"]["deu_Latn"]
    assert german["rows"] == ROWS and german["kept"] == 0
    assert Counter(german["reasons"]) == Counter(row["reason"] for row in pool)
    for field in FIELDS:
        notes = Counter(note for row in pool for note in row[f"notes_{field}"] or ())
        assert Counter(german["fields"][field]["notes"]) == notes
    assert german["fields"]["instruction"]["notes"]["answered"] > 0
    assert german["translation"]["prompt_tokens"] > german["translation"]["answer_tokens"] > 0
    assert "noticed in translation: " in (folder / "screen").read_text()
