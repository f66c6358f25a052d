"""The whole of evaluation but the model: stand-ins answer with the gold, with nothing, or with a coin."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.storage.run_folder import exclusive
from polydistill.engine.storage.shards import Folder, read_table
from polydistill.eval.asking.answerer import Asked
from polydistill.eval.data.sets import load_questions
from polydistill.eval.question import Answer, from_table
from polydistill.eval.run import evaluate
from polydistill.eval.scores import Scores
from tests.eval.stand_in import STUDENT, StandIn, config, models, record


def test_answers_are_kept_row_by_row(world: Path) -> None:
    evaluate(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    questions, answers = from_table(read_table(Folder.of(world / "out/answers/half"), "flores_into/jpn_Jpan.arrow"))
    assert questions[1].instruction == "Translate the following sentence from English to Japanese."
    assert answers[0].text == questions[0].gold[0] and answers[1].finish == "length"


def test_what_was_asked_is_not_asked_again(world: Path) -> None:
    first = record(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    asked = list(StandIn.asked)
    again = record(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    assert StandIn.asked == asked and again.results == first.results
    # One unit lost: it alone is asked again.
    (world / "out/answers/half/belebele/deu_Latn.arrow").unlink()
    evaluate(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    assert StandIn.asked[len(asked) :] == [("half", "deu_Latn")]
    # Other weights, other questions, another template: asked again.
    (world / "models/half/config.json").write_text('{"changed": 1}')
    evaluate(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    assert len(StandIn.asked) == 2 * len(asked) + 1
    evaluate(models(world, "half"), config(world), Student(model="unused"), str(world / "out"), StandIn)
    assert len(StandIn.asked) == 3 * len(asked) + 1


def test_one_evaluation_at_a_time(world: Path) -> None:
    out = Folder.of(world / "out")
    with exclusive(out, "eval.lock"), pytest.raises(UserError, match="another run is writing here"):
        evaluate(models(world, "half"), config(world), STUDENT, out.root, StandIn)
    (world / "out/answers").mkdir()
    (world / "out/answers/a.arrow.tmp-1-2").touch()  # of a process that was killed
    evaluate(models(world, "half"), config(world), STUDENT, out.root, StandIn)
    assert not [name for name in out.names(recursive=True) if ".tmp-" in name]


KILLED = """
import os, signal, sys
import polydistill.eval.run
from pathlib import Path
from tests.eval.stand_in import STUDENT, StandIn, config, models

class Dies(StandIn):
    left = 2  # calls

    def __call__(self, asked):
        if not Dies.left:
            os.kill(os.getpid(), signal.SIGKILL)
        Dies.left -= 1
        return super().__call__(asked)

world = Path(sys.argv[1])
polydistill.eval.run.evaluate(models(world, "gold"), config(world), STUDENT, str(world / "out"), Dies, part=5)
"""


def test_a_killed_evaluation_goes_on_where_it_was(world: Path) -> None:
    """Sets of twelve questions in parts of five; the third part is never answered."""
    whole = record(models(world, "gold"), config(world), STUDENT, str(world / "whole"), StandIn)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(world)], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept = sorted(path.name for path in (world / "out/answers/gold").rglob("*.arrow"))
    assert kept == ["eng_Latn.0000.arrow", "eng_Latn.0001.arrow"]  # each with its record
    asked: list[int] = []

    class Counts(StandIn):
        def __call__(self, part: Asked, /) -> list[Answer]:
            asked.append(len(part.questions))
            return super().__call__(part)

    again = record(models(world, "gold"), config(world), STUDENT, str(world / "out"), Counts, part=5)
    assert asked[:4] == [2, 5, 5, 2]  # the rest of the first set, then the next one
    assert again.results == whole.results and again.accounting == whole.accounting
    assert not [path for path in (world / "out/answers").rglob("*.arrow") if path.name.count(".") > 1]


@pytest.mark.parametrize("harm", ["cut", "empty", "flipped", "no record", "broken record"])
def test_damaged_answers_are_asked_again(world: Path, harm: str, capsys: pytest.CaptureFixture[str]) -> None:
    whole = record(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    file = world / "out/answers/half/belebele/deu_Latn.arrow"
    content, beside = file.read_bytes(), file.with_suffix(".json")
    if harm == "flipped":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif harm == "no record":
        beside.unlink()
    elif harm == "broken record":
        beside.write_text("[]")
    else:
        file.write_bytes(content[:100] if harm == "cut" else b"")
    assert Scores.open(str(world / "out")).verify()
    StandIn.asked.clear()
    again = record(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    assert StandIn.asked == [("half", "deu_Latn")] and again == whole and file.read_bytes() == content
    assert ("asked again: " in capsys.readouterr().err) == (harm != "no record")


def test_a_missing_model_is_named(world: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such model folder"):
        evaluate({"x": str(world / "nowhere")}, config(world), STUDENT, str(world / "out"), StandIn)


def test_a_language_that_a_benchmark_lacks_is_left_out_with_a_note(world: Path) -> None:
    settings = config(world, targets=["deu_Latn", "fra_Latn"], tasks=["belebele"])
    found = record(models(world, "gold"), settings, STUDENT, str(world / "out"), StandIn)
    assert {row.language for row in found.results} == {"eng_Latn", "deu_Latn"}
    (note,) = found.notes
    assert note.startswith("belebele was not asked in fra_Latn: ") and "fra_Latn.jsonl" in note
    assert "fra" in (world / "out/report.md").read_text()
    with pytest.raises(UserError, match="belebele has none of the languages fra_Latn"):
        load_questions(config(world, tasks=[{"task": "belebele", "languages": ["fra_Latn"]}]))
