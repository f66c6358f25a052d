import pytest

from polydistill.engine.config import validate
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.pace import FILE, Pace, Part
from polydistill.eval.config import Eval
from polydistill.planning import evaluation
from polydistill.times import Times


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
    assert asked("belebele").written == 0
    assert asked("belebele", choices="text").read == 4 * asked("belebele").read
    assert asked("mkqa", max_tokens=40).written == 20


def asked(task, **settings):
    (found,) = evaluation.exam(config([{"task": task, "limit": 10, **settings}])).tasks
    return found


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


BASE = evaluation.Speed(read=0.001, written=0.01, start=60)


def test_time_of_an_evaluation():
    exam = evaluation.exam(config([{"task": "mkqa", "limit": 10, "max_tokens": 40}]))
    each = 300 * 0.001 + 20 * 0.01
    assert evaluation.seconds(exam, BASE)[0] == pytest.approx(2 * (60 + 30 * each))


def sample(folder, parts, **times):
    """A run that was evaluated, with answers at these times."""
    run = {"output": "out", "targets": ["de"], "prompts": {"path": "p.json"}, "translate": {"model": "m"}}
    run |= {"student": {"model": "s"}, "eval": {"data": "nowhere", "tasks": [{"task": "mkqa", "max_tokens": 40}]}}
    write_configuration(Folder.of(folder), run)
    pace = Pace(tuple(Part(seconds, model, "mkqa", answers) for seconds, model, answers in parts), engines=1)
    write_record(Folder.of(folder / "eval"), FILE, pace)
    write_record(Folder.of(folder), "times.json", Times(times))
    return str(folder)


def test_a_sample_s_evaluation_gives_speed_start_and_what_is_beside(tmp_path):
    """Twice as fast as assumed, 4 s for a model to start, 3 s for reports."""
    each = (300 * 0.001 + 20 * 0.01) / 2
    parts = [(4 + 10 * each, "base", 10), (4 + 20 * each, "base", 10)]
    parts += [(8 + 20 * each + 10 * each, "new", 10), (8 + 40 * each, "new", 10)]
    found = evaluation.measured(sample(tmp_path, parts, evaluation=parts[-1][0] + 3), BASE)
    assert found.read == pytest.approx(0.0005) and found.written == pytest.approx(0.005)
    assert found.start == pytest.approx(4) and found.beside == pytest.approx(3)
    assert str(tmp_path) in found.source


def test_what_small_sets_take_beyond_generation_is_a_time_for_each_set(tmp_path):
    """10 questions that take 2 s more than generation would: 40 questions take these 2 s once as well."""
    each = 300 * 0.001 + 20 * 0.01
    parts = [(4 + number * (2 + 10 * each), "base", 10) for number in (1, 2, 3)]
    found = evaluation.measured(sample(tmp_path, parts), BASE)
    assert (found.read, found.each) == (pytest.approx(0.001), pytest.approx(2))
    assert found.start == pytest.approx(4)
    exam = evaluation.exam(config([{"task": "mkqa", "limit": 40, "max_tokens": 40}]))
    assert found.whole(exam) == pytest.approx(3 * (2 + 40 * each))  # English, German, Japanese


def test_large_sets_tell_the_speed(tmp_path):
    each = 300 * 0.001 + 20 * 0.01
    parts = [(4 + number * 1000 * 2 * each, "base", 1000) for number in (1, 2, 3)]
    found = evaluation.measured(sample(tmp_path, parts), BASE)
    assert (found.read, found.each) == (pytest.approx(0.002), 0)


@pytest.mark.parametrize("parts", [[], [(9, "base", 10)]])
def test_a_sample_that_tells_nothing_changes_nothing(parts, tmp_path):
    assert evaluation.measured(sample(tmp_path, parts), BASE) == BASE
    assert evaluation.measured(str(tmp_path / "nowhere"), BASE) == BASE
