"""Multiple choice: how candidates are asked, and who gets the point."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.eval.benchmark import ENGLISH, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.choices import accuracy, credit, lengths, multiple_choice
from polydistill.eval.question import Answer, Question


def asked(how: str, **settings: str) -> Question:
    task = Task.model_validate({"task": "belebele", **settings})
    wanted = Wanted(task, Path(), "deu_Latn", ENGLISH)
    return multiple_choice(wanted, "q", "Wer?", "Text", (" der Hund", " ich"), 1, how)


def test_three_ways_to_ask() -> None:
    letter, text, generated = asked("letter"), asked("text"), asked("generate")
    assert (letter.choices, letter.gold, letter.right) == (("A", "B"), ("B",), 1)
    assert (text.choices, text.gold, text.parts) == ((" der Hund", " ich"), (" ich",), ())
    assert (generated.choices, generated.letters, generated.gold) == ((), "AB", ("B",))
    assert asked("text", normalize="characters").parts == (8.0, 3.0)
    assert asked("letter", normalize="characters").parts == ()


def test_an_empty_candidate_divides_by_one() -> None:
    assert lengths(["", " ", " ab", "日本"]) == (1.0, 1.0, 2.0, 2.0)


SCORES = st.lists(st.sampled_from([-3.0, -2.0, -1.0]), min_size=2, max_size=5)


@given(SCORES)
def test_one_point_is_given_for_each_question_whatever_ties(scores: list[float]) -> None:
    count = len(scores)
    questions = [Question("q", "deu_Latn", "?", choices=("x",) * count, right=right) for right in range(count)]
    points = [credit(question, Answer(scores=tuple(scores)), (1.0,) * count) for question in questions]
    assert sum(points) == pytest.approx(1)
    assert all((point > 0) == (score == max(scores)) for point, score in zip(points, scores))


def test_sums_and_means_over_characters_are_two_measures() -> None:
    question, answer = asked("text"), Answer(choice=0, scores=(-4.0, -2.0))  # per character -0.5 and -0.67
    plain, divided = accuracy([question], [answer], "text")
    assert (plain.name, plain.value, divided.name, divided.value) == ("accuracy", 100, "accuracy_norm", 0)
    assert [measure.name for measure in accuracy([question], [answer], "letter")] == ["accuracy"]
    assert accuracy([asked("generate")], [Answer("(B) ich")], "generate")[0].value == 100
