"""The choice among several answers."""

import pytest

from polydistill.engine.generation.selection import Candidate, choose, matches, result_of, score


def some(*texts: str, **fields: list) -> list[Candidate]:
    finish = fields.get("finish", ["stop"] * len(texts))
    logprob = fields.get("logprob", [None] * len(texts))
    return [Candidate(t, f, 3, None, p) for t, f, p in zip(texts, finish, logprob)]


@pytest.mark.parametrize(
    ("answer", "truth", "right"),
    [
        ("48/2 = 24, and 48 + 24 = 72.\nSo 72 clips.", "48/2 = <<48/2=24>>24 clips in May.\n#### 72", True),
        ("The answer is 71.", "24 in May.\n#### 72", False),
        ("In all $1,234.50", "#### 1234.5", True),
        ("So x = \\boxed{12}", "12", True),
        ("It lies in France.\nParis", "Paris", True),
        ("The answer is: Paris.", "Paris", True),
        ("Paris is nice", "Paris", False),
        ("entailment", "Entailment", True),
        ("contradiction", "entailment", False),
        ("anything", "", False),
        ("In 1990 it rained a lot in the whole of the country.", "It was founded in 1990 by three friends.", False),
    ],
)
def test_answers_match_truth_by_number_span_or_label(answer: str, truth: str, right: bool) -> None:
    assert matches(answer, truth) is right


def test_the_first_whole_answer_is_taken() -> None:
    candidates = some("a", "b", "c", finish=["length", "stop", "stop"])
    assert choose(score(candidates, "first", "", "eng_Latn")) == 1
    assert choose(score(some("a", "", finish=["length", "error: x"]), "first", "", "eng_Latn")) == 0
    assert choose(score(some("", "", finish=["error: x", "error: y"]), "first", "", "eng_Latn")) is None


def test_the_likeliest_whole_answer() -> None:
    candidates = some("a", "b", "c", finish=["length", "stop", "stop"], logprob=[-0.1, -0.9, -0.5])
    assert choose(score(candidates, "logprob", "", "eng_Latn")) == 2


def test_the_result_that_most_share() -> None:
    candidates = some("It is 3.", "So 4", "4 apples", "I say four")
    assert score(candidates, "agreement", "", "eng_Latn") == [1, 2, 2, 1]
    assert choose(score(candidates, "agreement", "", "eng_Latn")) == 1
    assert result_of("1,000") == result_of("a 1000.")


def test_only_what_the_truth_says() -> None:
    candidates = some("It is 3.", "It is 4.", "4")
    assert choose(score(candidates, "matches_truth", "#### 4", "eng_Latn")) == 1
    assert choose(score(candidates, "matches_truth", "#### 5", "eng_Latn")) is None
