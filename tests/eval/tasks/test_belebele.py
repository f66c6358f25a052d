"""Belebele: asked by letter, by text and by generation."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.eval.question import Answer
from tests.eval.tasks.reading import BELEBELE, jsonl, load, values


def test_belebele_by_letter_text_and_generation(tmp_path: Path) -> None:
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE)
    (letter,) = load(tmp_path, task="belebele")["belebele"]
    assert letter.id == "https://example.org/a#2"
    assert letter.choices == ("A", "B", "C", "D") and letter.right == 1
    assert letter.input.endswith("Wer schläft?\nA. die Katze\nB. der Hund\nC. der Mann\nD. niemand")
    (text,) = load(tmp_path, task="belebele", choices="text", normalize="characters")["belebele"]
    assert (text.instruction, text.input) == ("Wer schläft?", "Der Hund schläft.")
    assert text.choices[1] == "der Hund" and text.parts == (9.0, 8.0, 8.0, 7.0)
    (generated,) = load(tmp_path, task="belebele", choices="generate")["belebele"]
    assert generated.choices == () and generated.gold == ("B",)


@pytest.mark.parametrize(
    ("answer", "hit"),
    [("B", 100), ("b)", 100), ("The answer is B.", 100), ("(B) der Hund", 100), ("A", 0), ("", 0), ("BERLIN", 0)],
)
def test_belebele_reads_the_letter_of_a_generated_answer(tmp_path: Path, answer: str, hit: float) -> None:
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE)
    settings = {"task": "belebele", "choices": "generate"}
    questions = load(tmp_path, **settings)["belebele"]
    assert values(questions, [Answer(answer)], **settings) == {"accuracy": hit}


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE, {k: v for k, v in BELEBELE.items() if k != "question"})
    with pytest.raises(UserError, match=r"deu_Latn\.jsonl:2: field 'question' is missing"):
        load(tmp_path, task="belebele")
    jsonl(tmp_path / "deu_Latn.jsonl", BELEBELE | {"correct_answer_num": "5"})
    with pytest.raises(UserError, match="correct_answer_num is '5'"):
        load(tmp_path, task="belebele")
    (tmp_path / "deu_Latn.jsonl").write_bytes(b'{"question": "\xff"}\n')
    with pytest.raises(UserError, match="not UTF-8"):
        load(tmp_path, task="belebele")
