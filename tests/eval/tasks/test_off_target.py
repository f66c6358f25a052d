"""Off-target: instructions in the formats of Dolly and Bactrian."""

import json
from pathlib import Path

from tests.eval.tasks.reading import jsonl, load


def test_off_target_reads_dolly_and_bactrian(tmp_path: Path) -> None:
    (tmp_path / "de.json").write_text(
        json.dumps([{"instruction": "Nenne drei Farben.", "input": "", "id": "a-1", "output": "Rot, Grün und Blau."}])
    )
    (question,) = load(tmp_path, task="off_target")["off_target"]
    assert (question.id, question.answer_language, question.gold) == ("a-1", "deu_Latn", ("Rot, Grün und Blau.",))
    jsonl(tmp_path / "dolly-de.jsonl", {"instruction": "Was?", "context": "Das.", "response": "Ja.", "category": "x"})
    (dolly,) = load(tmp_path / "dolly-{iso1}.jsonl", task="off_target")["off_target"]
    assert (dolly.input, dolly.gold) == ("Das.", ("Ja.",))
