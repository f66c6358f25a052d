"""Many texts are cut once and put together in every language."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.translation.pieces import cut, distinct

PARTS = ["Hello there.", "How are you?", " ", "\n", "- ", "`x = 1`", "https://a.example/b", "5", "\n\n", "Tom sings."]
TEXTS = st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join), min_size=1, max_size=5)


def hypotheses(pieces: object, change: object) -> pa.StringArray:
    return pa.array([change(one) for one in pieces.sentences], pa.string())  # type: ignore[attr-defined,operator]


@given(TEXTS)
def test_original_sentences_put_together_are_the_texts(texts: list[str]) -> None:
    texts = list(dict.fromkeys(texts))
    pieces = cut(texts, ["eng_Latn"] * len(texts))
    assert pieces.join(hypotheses(pieces, lambda one: one.original), "deu_Latn").to_pylist() == texts
    assert len({(one.text, one.source, one.original) for one in pieces.sentences}) == len(pieces.sentences)


def test_a_sentence_that_two_texts_share_is_translated_once() -> None:
    pieces = cut(["Hello there. Tom sings.", "- Hello there."], ["eng_Latn"] * 2)
    assert [one.text for one in pieces.sentences] == ["Hello there.", "Tom sings."]
    assert [pieces.sentences_of(text) for text in (0, 1)] == [[0, 1], [0]]
    made = pieces.join(pa.array(["Hallo.", None]), "deu_Latn")
    assert made.to_pylist() == [None, "- Hallo."]  # a text is lost with one of its sentences


def test_the_same_words_in_two_languages_are_two_sentences() -> None:
    pieces = cut(["Normal.", "Normal."], ["eng_Latn", "deu_Latn"])
    assert [(one.text, one.source) for one in pieces.sentences] == [("Normal.", "eng_Latn"), ("Normal.", "deu_Latn")]


@pytest.mark.parametrize(
    ("text", "source", "target", "whole"),
    [
        ("One. Two.", "eng_Latn", "deu_Latn", "x x"),
        ("One. Two.", "eng_Latn", "jpn_Jpan", "xx"),  # Japanese has no space between sentences
        ("今日は。明日は。", "jpn_Jpan", "deu_Latn", "x x"),
        ("今日は。明日は。", "jpn_Jpan", "zho_Hans", "xx"),
        ("One.  Two.", "eng_Latn", "jpn_Jpan", "x  x"),  # two spaces were somebody's layout
    ],
)
def test_gaps_between_sentences_are_those_of_the_target(text: str, source: str, target: str, whole: str) -> None:
    pieces = cut([text], [source])
    assert pieces.join(hypotheses(pieces, lambda one: "x"), target).to_pylist() == [whole]


def test_protected_spans_travel_as_marks() -> None:
    (sentence,) = cut(["Open `a.py` and see https://a.example/b now."], ["eng_Latn"]).sentences
    assert [span for _, span in sentence.marks] == ["`a.py`", "https://a.example/b"]
    restored = sentence.text
    for mark, span in sentence.marks:
        assert restored.count(mark) == 1
        restored = restored.replace(mark, span)
    assert restored == sentence.original


def test_bits_of_sentences_spread_over_their_texts() -> None:
    pieces = cut(["One. Two.", "`x = 1`", "Two."], ["eng_Latn"] * 3)
    bits = np.array([1, 4], np.uint16)
    assert pieces.spread(bits).tolist() == [5, 0, 4] and pieces.spread(bits).dtype == np.uint16
    assert cut([], []).spread(bits[:0]).shape == (0,)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from(["eng_Latn", "fra_Latn"])), max_size=9)
)
def test_distinct_texts_and_where_they_stand(rows: list[tuple[str | None, str]]) -> None:
    texts, sources = (pa.array([row[i] for row in rows], pa.string()) for i in (0, 1))
    found, languages, where = distinct(texts, sources)
    pairs = list(zip(found, languages))
    assert len(set(pairs)) == len(pairs)
    for row, number in zip(rows, where.to_pylist()):
        assert (number is None) == (not row[0]) and (number is None or pairs[number] == row)
