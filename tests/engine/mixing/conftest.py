"""A small pool, and the data that recipes need besides it."""

import json
from pathlib import Path

import pytest

from polydistill.engine.config import Dictionaries, Parallel, PromptSource
from tests.engine.mixing.mixing_fixture import (
    TARGETS,
)
from tests.engine.pool_fixture import row, write_run


@pytest.fixture
def run(tmp_path: Path) -> str:
    """Five prompts, two languages: 2's German question is off target, 3's Japanese answer bad, 4 has no own answer."""
    german = [row(i, "deu_Latn") for i in range(5)]
    japanese = [row(i, "jpn_Jpan") for i in range(5)]
    german[2]["reason_instruction"] = "off_target"
    japanese[3]["reason_truth"] = "low_quality"
    for rows in (german, japanese):
        rows[4] |= {"self": None, "mt_self": None, "self_error": "error: prompt too long"}
    return write_run(tmp_path / "run", {"deu_Latn": german, "jpn_Jpan": japanese}, unit_rows=2)


@pytest.fixture
def sections(tmp_path: Path) -> dict:
    words = tmp_path / "dictionaries"
    words.mkdir()
    (words / "en-de.txt").write_text("nothing nichts\n")
    (words / "en-jp.txt").write_text("nothing\t何も\n")
    text = tmp_path / "parallel"
    text.mkdir()
    (text / "eng_Latn-deu_Latn.tsv").write_text("The sun is warm.\tDie Sonne ist warm.\nYes.\tJa.\n")
    (text / "eng_Latn-jpn_Jpan.tsv").write_text("The sun is warm.\t太陽は暖かい。\nYes.\tはい。\n", encoding="utf-8")
    (tmp_path / "native.json").write_text(json.dumps([{"question": f"Q{i}", "answer": "A"} for i in range(8)]))
    native = [PromptSource(path=str(tmp_path / "native.json"), language=target) for target in TARGETS]
    return {
        "native": native,
        "dictionaries": Dictionaries(path=str(words)),
        "parallel": Parallel(path=str(text), rows=None),
    }
