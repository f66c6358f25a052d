import pytest

from polydistill.engine.config import validate
from polydistill.eval.config import Eval
from polydistill.planning import evaluation


def config(tasks, **changes):
    return validate(Eval, {"tasks": tasks, "targets": ["de", "ja"], "data": "nowhere"} | changes, "eval")


@pytest.mark.parametrize(
    ("task", "questions"),
    [
        ("belebele", 3 * 900),
        ({"task": "belebele", "limit": 10}, 30),
        ("flores", 2 * 2 * 1012),
        ({"task": "flores", "directions": "into", "limit": 100}, 200),
        ({"task": "mgsm", "languages": ["de"]}, 250),
    ],
)
def test_questions_of_every_language(task, questions):
    assert evaluation.exam(config([task])).questions == questions


def test_answers_are_written_or_compared():
    assert evaluation.exam(config([{"task": "belebele", "limit": 10}])).written == 0
    letters = evaluation.exam(config([{"task": "belebele", "limit": 10}])).read
    assert evaluation.exam(config([{"task": "belebele", "limit": 10, "choices": "text"}])).read == 4 * letters
    assert evaluation.exam(config([{"task": "mkqa", "limit": 10, "max_tokens": 40}])).written == 30 * 20


def test_every_benchmark_has_a_size():
    from polydistill.eval.benchmark import names

    assert set(evaluation.QUESTIONS) == set(names())


def test_files_that_are_there_are_counted(tmp_path):
    folder = tmp_path / "flores" / "devtest"
    folder.mkdir(parents=True)
    for code in ("eng_Latn", "deu_Latn"):
        (folder / f"{code}.devtest").write_text("one\ntwo\nthree\n")
    found = evaluation.exam(config(["flores"], targets=["de"], data=str(tmp_path)))
    assert found.questions == 6 and not found.notes
    assert "published" in evaluation.exam(config(["flores"])).notes[0]
