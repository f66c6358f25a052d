"""XCOPA: cause and effect in the words of each language."""

from pathlib import Path

from tests.eval.tasks.reading import jsonl, load


def test_xcopa(tmp_path: Path) -> None:
    row = {
        "premise": "Kran terbuka.",
        "choice1": "Toilet penuh.",
        "choice2": "Air mengalir.",
        "question": "effect",
        "label": 1,
        "idx": 3,
    }
    jsonl(tmp_path / "id/test.id.jsonl", row)
    (question,) = load(tmp_path, "ind_Latn", task="xcopa")["xcopa"]
    assert (
        question.instruction == "Kran terbuka maka" and question.choices[1] == " air mengalir." and question.right == 1
    )


def test_turkish_capitals_and_haitian_words_of_xcopa(tmp_path: Path) -> None:
    row = {"premise": "P.", "choice1": "Işık söndü.", "choice2": "İp koptu.", "question": "cause", "label": 0}
    jsonl(tmp_path / "tr/test.tr.jsonl", row)
    jsonl(tmp_path / "ht/test.ht.jsonl", row)
    (turkish,) = load(tmp_path, "tur_Latn", task="xcopa")["xcopa"]
    assert turkish.choices == (" ışık söndü.", " ip koptu.")
    assert load(tmp_path, "hat_Latn", task="xcopa")["xcopa"][0].instruction == "P paske"
