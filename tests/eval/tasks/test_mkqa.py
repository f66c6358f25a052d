"""MKQA: aliases, unanswerable questions, yes and no."""

from pathlib import Path

import pytest

from polydistill.eval.benchmark import LacksLanguage
from polydistill.eval.question import Answer
from tests.eval.tasks.reading import jsonl, load, values


def test_mkqa_with_answers_aliases_and_none(tmp_path: Path) -> None:
    rows = [
        {
            "example_id": 1,
            "query": "who",
            "queries": {"en": "who", "de": "wer", "zh_cn": "谁"},
            "answers": {
                "en": [{"type": "entity", "entity": "Q1", "text": "the Beatles", "aliases": ["Beatles"]}],
                "de": [{"type": "entity", "entity": "Q1", "text": "die Beatles"}],
                "zh_cn": [{"type": "entity", "entity": "Q1", "text": "披头士", "aliases": []}],
            },
        },
        {
            "example_id": 2,
            "query": "why",
            "queries": {"en": "why", "de": "warum", "zh_cn": "为什么"},
            "answers": {key: [{"type": "unanswerable", "entity": None, "text": None}] for key in ("en", "de", "zh_cn")},
        },
    ]
    jsonl(tmp_path / "mkqa.jsonl.gz", *rows)
    questions = load(tmp_path, "deu_Latn", task="mkqa")["mkqa"]
    assert [q.gold for q in questions] == [("die Beatles",), ("",)]
    assert load(tmp_path, "zho_Hans", task="mkqa")["mkqa"][0].instruction == "谁"
    with pytest.raises(LacksLanguage, match="'ja'"):
        load(tmp_path, "jpn_Jpan", task="mkqa")
    # Right where there is an answer, and something where there is none: the threshold can only lose the second.
    answers = [Answer("Beatles", logprob=-0.1), Answer("darum", logprob=-3.0)]
    found = values(questions, answers, task="mkqa")
    assert found == {"f1": 100, "em": 100, "f1_all": 50, "f1_tuned": 100}
    assert values(questions, [Answer(""), Answer("")], task="mkqa") == {"f1": 0, "em": 0, "f1_all": 50, "f1_tuned": 50}


def test_mkqas_yes_and_no_count_in_the_language(tmp_path: Path) -> None:
    answers = {code: [{"type": "binary", "entity": None, "text": "yes"}] for code in ("de", "no", "en")}
    queries = dict.fromkeys(answers, "?")
    jsonl(tmp_path / "mkqa.jsonl", {"example_id": 1, "query": "?", "queries": queries, "answers": answers})
    for code, text in (("deu_Latn", "Ja."), ("nob_Latn", "ja"), ("nno_Latn", "yes"), ("eng_Latn", "Yes")):
        questions = load(tmp_path, code, task="mkqa")["mkqa"]
        assert values(questions, [Answer(text)], task="mkqa") == {"f1": 100, "em": 100}
        assert values(questions, [Answer("nein")], task="mkqa") == {"f1": 0, "em": 0}
