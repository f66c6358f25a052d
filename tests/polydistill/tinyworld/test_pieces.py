"""Pieces learnt from text."""

from polydistill.tinyworld.facts import LANGUAGES, entities, name
from polydistill.tinyworld.pieces import SPACES, learn, numbered


def test_every_letter_of_every_name_is_a_piece_and_frequent_words_are_whole() -> None:
    pieces, merges = learn(["the cat saw the cat"] * 50, 2000, SPACES)
    letters = {letter for entity in entities() for code in LANGUAGES for letter in name(entity, code)} - {" "}
    assert letters <= set(pieces) and "▁cat" in pieces
    known = set(pieces)
    assert all({left, right, left + right} <= known for left, right in merges)
    assert learn(["the cat saw the cat"] * 50, 2000, SPACES) == (pieces, merges)


def test_a_vocabulary_numbers_each_piece_once() -> None:
    assert numbered(["<s>", "a"], ["b", "a", "c"]) == {"<s>": 0, "a": 1, "b": 2, "c": 3}
