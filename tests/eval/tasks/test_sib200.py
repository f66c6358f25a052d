"""SIB-200: topics, from files that are quoted as CSV."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from tests.eval.tasks.reading import gold, load, values


def test_sib200(tmp_path: Path) -> None:
    (tmp_path / "deu_Latn").mkdir()
    file = tmp_path / "deu_Latn/test.tsv"
    file.write_text("index_id\tcategory\ttext\n7\tsports\tDas Spiel begann.\n", encoding="utf-8")
    questions = load(tmp_path, task="sib200")["sib200"]
    assert questions[0].choices[questions[0].right] == "sports"
    assert values(questions, [gold(q) for q in questions], task="sib200") == {"accuracy": 100, "accuracy_norm": 100}
    file.write_text("7\tDas Spiel begann.\n", encoding="utf-8")
    with pytest.raises(UserError, match="Without topics"):
        load(tmp_path, task="sib200")


def test_sib200_files_are_csv_quoted(tmp_path: Path) -> None:
    (tmp_path / "deu_Latn").mkdir()
    text = 'index_id\tcategory\ttext\n7\tsports\t"Er sagte: ""Heute Apple..."""\n8\ttravel\tEin 5" Rohr\n'
    (tmp_path / "deu_Latn/test.tsv").write_text(text, encoding="utf-8")
    questions = load(tmp_path, task="sib200")["sib200"]
    assert [question.input for question in questions] == ['Er sagte: "Heute Apple..."', 'Ein 5" Rohr']
