"""Values worked out by hand from the rules of the three official scripts."""

import pytest

from polydistill.eval.scoring.overlap import (
    best,
    mkqa_em,
    mkqa_f1,
    mkqa_tokens,
    mlqa_em,
    mlqa_f1,
    mlqa_tokens,
    squad_em,
    squad_f1,
)


@pytest.mark.parametrize(
    ("answer", "gold", "f1", "em"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1, 1),  # article, case, punctuation
        ("Eiffel", "the Eiffel Tower", 2 / 3, 0),
        ("a an the", "the", 0, 1),  # nothing remains on either side
        ("", "something", 0, 0),
        ("der Turm", "Turm", 2 / 3, 0),  # English articles only
        ("308分", "308 分", 0, 0),  # white space decides, also in Chinese
        ("«Paris»", "Paris", 0, 0),  # only ASCII punctuation goes
    ],
)
def test_squad(answer: str, gold: str, f1: float, em: float) -> None:
    assert squad_f1(answer, gold) == pytest.approx(f1)
    assert squad_em(answer, gold) == em


@pytest.mark.parametrize(
    ("language", "answer", "gold", "f1", "em"),
    [
        ("de", "Der Turm", "ein turm.", 1, 1),
        ("en", "«Paris»", "the Paris", 1, 1),  # all Unicode punctuation goes
        ("es", "la casa", "casa", 1, 1),
        ("vi", "những con mèo", "con mèo", 1, 1),
        ("hi", "वह घर", "घर।", 2 / 3, 0),  # danda is punctuation; Hindi has no articles
        ("ar", "البيت", "بيت", 1, 1),  # "al-" goes wherever it stands
        ("zh", "308分钟", "308分", 0.8, 0),  # 308, 分, 钟 against 308, 分
        ("zh", "《黑豹》队", "黑豹队", 1, 1),
        ("th", "กา", "กาก", 0.8, 0),  # not one of MLQA's languages: characters, as for Chinese
        ("de", "", "Turm", 0, 0),
    ],
)
def test_mlqa(language: str, answer: str, gold: str, f1: float, em: float) -> None:
    assert mlqa_f1(answer, gold, language) == pytest.approx(f1)
    assert mlqa_em(answer, gold, language) == em


@pytest.mark.parametrize(
    ("language", "answer", "gold", "f1", "em"),
    [
        ("en", "", "", 1, 1),  # no answer, and rightly so
        ("en", "something", "", 0, 0),
        ("en", "", "something", 0, 0),
        ("en", "the", "", 1, 1),  # nothing remains of it
        ("ja", "東京都", "東京", 0.8, 0),  # every character is a token
        ("ja", "New York", "newyork", 1, 1),  # Latin ones as well: spaces do not count
        ("zh_cn", "1998年", "1998", 8 / 9, 0),
        ("th", "กา", "กาก", 0.8, 0),
        ("km", "កក", "ក", 2 / 3, 0),
        ("fr", "Lemaire", "maire", 1, 1),  # French articles also match a word's beginning
        ("it", "il lavoro", "voro", 1, 1),
        ("nl", "de zee", "zee", 1, 1),
        ("hu", "az alma", "alma", 1, 1),
        ("en", "yes", "Yes.", 1, 1),
    ],
)
def test_mkqa(language: str, answer: str, gold: str, f1: float, em: float) -> None:
    assert mkqa_f1(answer, gold, language) == pytest.approx(f1)
    assert mkqa_em(answer, gold, language) == em


def test_repeated_words_count_as_often_as_both_have_them() -> None:
    assert squad_f1("ha ha ha", "ha ha") == pytest.approx(0.8)


def test_the_best_of_several_golds_counts() -> None:
    assert best(squad_f1, "Paris France", ("Rome", "Paris", "Paris, France"), "en") == 1
    assert best(squad_f1, "Paris", (), "en") == 0


def test_tokens() -> None:
    assert mlqa_tokens("2015年2月7日 (Sunday)", "zh") == ["2015", "年", "2", "月", "7", "日", "sunday"]
    assert mkqa_tokens("a b", "ja") == ["a", "b"]
