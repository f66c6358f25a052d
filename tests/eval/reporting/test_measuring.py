"""From answers to measures, and the signatures that say how a model was asked."""

from pathlib import Path

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.judging.languages.language_id import LanguageID
from polydistill.engine.judging.quality.comet import Comet
from polydistill.eval.config import Task
from polydistill.eval.data.sets import Set, load_questions
from polydistill.eval.question import Answer, Question
from polydistill.eval.reporting.measuring import _off_target, check_complete
from tests.engine.judging.comet.models import write
from tests.eval.stand_in import STUDENT, StandIn, config, models, record


def test_comet_with_references_scores_translations(world: Path, tmp_path: Path) -> None:
    """A random COMET model of the real architecture: what matters is which texts it was given."""
    folder = str(write(tmp_path / "comet", "regression"))
    settings = config(world, comet=folder, tasks=[{"task": "flores", "bleu_tokenizer": "language"}])
    found = record(models(world, "gold", "half"), settings, STUDENT, str(world / "out"), StandIn)
    scores = {(r.model, r.set, r.language): r.value for r in found.results if r.metric == "comet"}
    assert len(scores) == 8
    entry = next(s for s in load_questions(settings).sets if s.name == "flores_from" and s.language == "jpn_Jpan")
    gold = [question.gold[0] for question in entry.questions]
    wanted = Comet.load(folder).score([question.source for question in entry.questions], gold, gold)
    assert scores["gold", "flores_from", "jpn_Jpan"] == pytest.approx(100 * wanted.mean(), abs=1e-3)


def test_signatures_say_how_the_model_was_asked(world: Path) -> None:
    """Template, instruction, length and number format decide an answer, so they stand beside every number."""
    chat = Student(model="unused", prompt="chat", engine={"dtype": "float32"})
    seen = set()
    for student, changes in ((STUDENT, {}), (chat, {}), (STUDENT, {"prompt_language": "target"})):
        settings = config(world, tasks=["belebele"], **changes)
        found = record(models(world, "gold"), settings, student, str(world / "out"), StandIn)
        seen.add(next(row.signature for row in found.results if row.language == "deu_Latn"))
        assert found.student["prompt"] == student.prompt
    assert len(seen) == 3 and any("prompt:chat" in text and "dtype:float32" in text for text in seen)


def test_answers_are_alike_where_both_are_right_or_both_wrong(world: Path) -> None:
    found = record(
        models(world, "gold", "half"), config(world, tasks=["belebele"]), STUDENT, str(world / "out"), StandIn
    )
    alike = {(row.model, row.language): (row.value, row.both_right, row.n) for row in found.likeness}
    assert alike["gold", "deu_Latn"] == (100, 100, 12) and alike["half", "jpn_Jpan"] == (100, 50, 12)


def test_a_lost_answer_is_no_wrong_answer(world: Path) -> None:
    sets = load_questions(config(world, tasks=["belebele"])).sets
    answers = {(entry.name, entry.language): [Answer()] * len(entry.questions) for entry in sets}
    check_complete(sets, {"base": answers})
    answers["belebele", "deu_Latn"].pop()
    with pytest.raises(UserError, match="base: 11 answers to 12 questions of belebele"):
        check_complete(sets, {"base": answers})


def test_answers_without_letters_have_no_language_and_empty_ones_count_as_wrong() -> None:
    german = "Die Antwort steht in der Zeitung von gestern."
    answers = ["42", german, "The answer is in yesterday's newspaper.", "1/2 = 0,5", "", "…"]
    gold = ["42", german, german, "0,5", german, "!"]
    questions = [
        Question(str(number), "deu_Latn", "Frage?", gold=(text,), answer_language="deu_Latn")
        for number, text in enumerate(gold)
    ]
    entry = Set("off_target", "deu_Latn", Task(task="off_target"), questions, [])
    given = [Answer(text) for text in answers]
    rate, expected = _off_target(entry, given, LanguageID("lid.176"), "lid.176")
    assert list(rate.ids) == ["1", "2", "4"] and rate.rows.tolist() == [0, 100, 100]
    assert list(expected.ids) == ["1", "2", "4"] and expected.rows.tolist() == [0, 0, 0]
    assert _off_target(entry, [Answer("42")] * 6, LanguageID("lid.176"), "lid.176")[0].name == "off_target_gold"
