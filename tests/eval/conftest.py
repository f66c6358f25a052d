"""A small world of benchmark files that several tests evaluate on."""

import json
from pathlib import Path

import pytest

from tests.eval.stand_in import StandIn


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Twelve parallel questions of belebele and sentences of flores in three languages; models' folders."""
    for name in ("gold", "half", "third", "most", "none"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "config.json").write_text("{}")
    (tmp_path / "data/belebele").mkdir(parents=True)
    (tmp_path / "data/flores/devtest").mkdir(parents=True)
    sentences = {
        "eng_Latn": "The large dog number {} sleeps in the old house by the river.",
        "deu_Latn": "Der große Hund Nummer {} schläft in dem alten Haus am Fluss.",
        "jpn_Jpan": "{}番の大きな犬が川のそばの古い家で眠っています。",
    }
    for language, sentence in sentences.items():
        rows = [
            {
                "link": "l",
                "question_number": i,
                "flores_passage": "p",
                "question": f"q{i}",
                "correct_answer_num": str(1 + i % 4),
            }
            | {f"mc_answer{k}": f"a{k}" for k in range(1, 5)}
            for i in range(12)
        ]
        (tmp_path / f"data/belebele/{language}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        text = "".join(sentence.format(i) + "\n" for i in range(12))
        (tmp_path / f"data/flores/devtest/{language}.devtest").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    """What stand-ins were asked in another test is forgotten."""
    StandIn.asked.clear()
