"""The real sets at hand, asked of the small world's student by vLLM: files to report, nothing lost on the way."""

import json
from pathlib import Path

import pytest

from engine.config import Student
from eval.config import Eval
from eval.run import evaluate

XQUAD = ["en", "ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh"]
MGSM = ["en", "bn", "de", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"]


@pytest.mark.data
@pytest.mark.slow
def test_real_sets_end_to_end(data: Path, tiny: Path, tmp_path: Path) -> None:
    model = str(tiny / "models" / "student")
    student = Student(model=model, prompt="raw", engine={"dtype": "float32", "max_model_len": 1024})
    limit = {"limit": 6, "max_tokens": 12}
    tasks = [
        {"task": "xquad", "languages": XQUAD, **limit},
        {"task": "mgsm", "languages": MGSM, "shots": 1, **limit},
        {"task": "flores", "path": str(data / "sib200"), "bleu_tokenizer": "language", **limit},
    ]
    config = Eval.model_validate({"tasks": tasks, "data": str(data), "targets": ["deu_Latn", "jpn_Jpan"]})
    found = evaluate({"student": model}, config, student, str(tmp_path))
    counted = {(row["set"], row["language"]): row for row in found["accounting"]}
    assert len(counted) == 12 + 11 + 4 and all(row["questions"] == 6 for row in counted.values())
    assert sum(row["tokens"] for row in counted.values()) > 0
    # Thai and the like fall into many pieces in this tokenizer: what does not fit is counted, not cut.
    assert counted["xquad", "eng_Latn"]["too_long"] == 0
    assert any(row["too_long"] for row in counted.values())
    for row in found["results"]:
        assert 0 <= row["value"] <= 100 and row["low"] <= row["value"] + 1e-9 <= row["high"] + 2e-9
    assert json.loads((tmp_path / "metrics.json").read_text())["accounting"] == found["accounting"]
