"""XNLI: a pair of sentences in the words of its language."""

from pathlib import Path

from tests.eval.tasks.reading import load


def test_xnli_in_the_words_of_the_language(tmp_path: Path) -> None:
    head = "language gold_label x x x x sentence1 sentence2 promptID pairID".replace(" ", "\t")
    row = "de\tcontradiction\t\t\t\t\tEr schläft.\tEr ist wach.\t1\t7"
    (tmp_path / "xnli.test.tsv").write_text(f"{head}\n{row}\n{row.replace('de', 'en', 1)}\n", encoding="utf-8")
    (question,) = load(tmp_path, task="xnli")["xnli"]
    assert question.plain and question.instruction == "Er schläft., richtig?"
    assert (
        question.choices == (" Ja, Er ist wach.", " Auch, Er ist wach.", " Nein, Er ist wach.") and question.right == 2
    )
