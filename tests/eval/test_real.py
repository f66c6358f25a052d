"""The real sets at hand, asked of the small world's student by vLLM: files to report, nothing lost on the way."""

from pathlib import Path

import pytest

from polydistill.engine.config import Student
from polydistill.eval.config import Eval
from polydistill.eval.run import evaluate
from polydistill.eval.scores import Scores
from tests.eval.stand_in import StandIn

XQUAD = ["en", "ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh"]
MGSM = ["en", "bn", "de", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"]


@pytest.mark.data
def test_stand_ins_get_all_and_nothing_from_file_to_report(data: Path, tmp_path: Path) -> None:
    """Every language of xquad and mgsm, and three of sib200, through all of evaluation but the model."""
    for name in ("gold", "none"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    limit = {"limit": 30}
    flores = {"task": "flores", "path": str(data / "sib200"), "bleu_tokenizer": "language", **limit}
    tasks = [{"task": "xquad", "languages": XQUAD, **limit}, {"task": "mgsm", "languages": MGSM, **limit}, flores]
    values = {"tasks": tasks, "data": str(data), "targets": ["deu_Latn", "jpn_Jpan", "tha_Thai"], "resamples": 100}
    models = {name: str(tmp_path / name) for name in ("gold", "none")}
    student = Student(model="unused", prompt="raw")
    found = evaluate(models, Eval.model_validate(values), student, str(tmp_path / "out"), StandIn).record
    seen = set()
    for row in found.results:
        if row.metric in ("f1", "em", "f1_language", "em_language", "accuracy", "bleu", "chrf++"):
            assert row.value == pytest.approx(100 if row.model == "gold" else 0), row
            seen.add((row.model, row.set, row.language))
    assert len(seen) == 2 * (12 + 11 + 6)
    assert "xquad" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8").lower()


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
    found = evaluate({"student": model}, config, student, str(tmp_path)).record
    counted = {(row.set, row.language): row for row in found.accounting}
    assert len(counted) == 12 + 11 + 4 and all(row.questions == 6 for row in counted.values())
    assert sum(row.tokens for row in counted.values()) > 0
    # Thai and the like fall into many pieces in this tokenizer: what does not fit is counted, not cut.
    assert counted["xquad", "eng_Latn"].too_long == 0
    assert any(row.too_long for row in counted.values())
    for row in found.results:
        assert row.value is None or (0 <= row.value <= 100 and row.low <= row.value + 1e-9 <= row.high + 2e-9)
    assert Scores.open(str(tmp_path)).record == found
