"""Patterns made of texts."""

from polydistill.engine.text.patterns import any_of


def test_texts_are_taken_literally_and_the_first_one_first() -> None:
    assert any_of(["<|a|>", "<|a"]).findall("<|a|><|ab") == ["<|a|>", "<|a"]
    assert any_of([]).sub("", "text") == "text"
