"""FLORES: both directions of parallel text."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.eval.question import Answer
from tests.eval.tasks.reading import gold, load, values


def test_flores_asks_both_ways(tmp_path: Path) -> None:
    folder = tmp_path / "devtest"
    folder.mkdir()
    (folder / "eng_Latn.devtest").write_text("One.\nThese are two\u2028whole lines.\n", encoding="utf-8")
    (folder / "deu_Latn.devtest").write_text("Eins.\nDas sind zwei\u2028ganze Zeilen.\n", encoding="utf-8")
    sets = load(tmp_path, task="flores")
    into, back = sets["flores_into"], sets["flores_from"]
    assert into[1].instruction == "Translate the following sentence from English to German."
    assert (into[1].input, into[1].gold, into[1].answer_language) == (
        "These are two\u2028whole lines.",
        ("Das sind zwei\u2028ganze Zeilen.",),
        "deu_Latn",
    )
    assert (back[0].input, back[0].gold, back[0].answer_language) == ("Eins.", ("One.",), "eng_Latn")
    assert load(tmp_path, task="flores", language="eng_Latn") == {}
    assert set(load(tmp_path, task="flores", directions="into")) == {"flores_into"}
    perfect = values(into, [gold(q) for q in into], task="flores", bleu_tokenizer="language")
    assert perfect == pytest.approx({"bleu": 100, "chrf++": 100})


def test_flores_must_be_parallel(tmp_path: Path) -> None:
    (tmp_path / "devtest").mkdir()
    (tmp_path / "devtest/eng_Latn.devtest").write_text("One.\nTwo.\n", encoding="utf-8")
    (tmp_path / "devtest/deu_Latn.devtest").write_text("Eins.\n", encoding="utf-8")
    with pytest.raises(UserError, match="not parallel"):
        load(tmp_path, task="flores")


@pytest.mark.data
def test_all_real_sib200_languages_are_parallel_text(data: Path) -> None:
    """20 of the 1,004 sentences in each of the 206 languages, both directions."""
    codes = sorted(path.name.partition(".")[0] for path in (data / "sib200").glob("*.tsv.gz"))
    assert len(codes) == 206
    settings = {"task": "flores", "bleu_tokenizer": "language"}
    for language in codes:
        sets = load(data / "sib200", language, task="flores")
        assert len(sets) == (0 if language == "eng_Latn" else 2)
        for questions in sets.values():
            assert len(questions) == 1004
            few = questions[:20]
            assert values(few, [gold(q) for q in few], **settings) == pytest.approx({"bleu": 100, "chrf++": 100})
            assert values(few, [Answer()] * 20, **settings) == {"bleu": 0, "chrf++": 0}


@pytest.mark.data
def test_the_real_sib200_sentences_are_parallel_text(data: Path) -> None:
    sets = load(data / "sib200", "jpn_Jpan", task="flores")
    assert len(sets["flores_into"]) == len(sets["flores_from"]) == 1004
    questions = sets["flores_from"]
    settings = {"task": "flores", "bleu_tokenizer": "language"}
    assert values(questions, [gold(q) for q in questions], **settings) == pytest.approx({"bleu": 100, "chrf++": 100})
    assert values(questions, [Answer()] * len(questions), **settings) == {"bleu": 0, "chrf++": 0}
