"""The whole of evaluation but the model: stand-ins answer with the gold, with nothing, or with a coin."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder, read_table
from polydistill.eval.asking.answerer import Advance
from polydistill.eval.config import Eval
from polydistill.eval.data.sets import load_questions
from polydistill.eval.question import Answer, Question, from_table
from polydistill.eval.reporting.render import to_html, to_markdown, to_terminal
from polydistill.eval.reporting.table import summary
from polydistill.eval.run import evaluate
from polydistill.eval.scores import Scores, ScoresRecord

TARGETS = {"deu_Latn": "Hund", "jpn_Jpan": "犬"}
STUDENT = Student(model="unused", prompt="raw")


class StandIn:
    """Answers without a model; the "model" path says how."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, path: str, student: Student) -> None:
        self.how = Path(path).name

    def __call__(
        self,
        questions: Sequence[Question],
        shots: Sequence[Question],
        max_tokens: int,
        stop: Sequence[str],
        advance: Advance,
    ) -> list[Answer]:
        StandIn.asked += [(self.how, question.language) for question in questions[:1]]
        advance(len(questions))
        return [self.answer(question, number) for number, question in enumerate(questions)]

    def answer(self, question: Question, number: int) -> Answer:
        right = {"gold": True, "half": number % 2 == 0, "third": number % 3 == 0, "most": number != 5}.get(self.how)
        if not right:
            return Answer(finish="length")
        return Answer(question.gold[0], choice=question.right, tokens=5, finish="stop")

    def close(self) -> None:
        """Holds nothing."""


@pytest.fixture(autouse=True)
def fresh() -> None:
    StandIn.asked.clear()


def config(world: Path, **changes: object) -> Eval:
    tasks = [{"task": "belebele"}, {"task": "flores", "bleu_tokenizer": "language"}]
    values = {"tasks": tasks, "data": str(world / "data"), "targets": list(TARGETS), "resamples": 100} | changes
    return Eval.model_validate(values)


def record(*arguments: Any, **settings: Any) -> ScoresRecord:
    return evaluate(*arguments, **settings).record


def models(world: Path, *names: str) -> dict[str, str]:
    return {name: str(world / "models" / name.split("/")[0]) for name in names}


def test_gold_gets_everything_and_silence_nothing(world: Path) -> None:
    found = record(models(world, "gold", "none"), config(world), STUDENT, str(world / "out"), StandIn)
    for row in found.results:
        if row.metric in ("accuracy", "bleu", "chrf++"):
            assert row.value == pytest.approx(100 if row.model == "gold" else 0)
            assert row.low <= row.value <= row.high + 1e-9
            assert f"n:{row.n}" in row.signature
        if row.metric == "off_target":
            assert row.value == (0 if row.model == "gold" else 100)
    assert {row.side for row in found.results if row.set == "flores_from"} == {"source"}
    lost = [row for row in found.comparisons if row.metric == "accuracy"]
    assert all((row.wins, row.losses) == (0, 12) and row.high < 0 for row in lost)
    cut = {row.model: row.cut for row in found.accounting if row.set == "belebele"}
    assert cut == {"gold": 0, "none": 12}


def test_metrics_json_is_what_was_returned_and_plain_json(world: Path) -> None:
    found = record(models(world, "gold", "half"), config(world), STUDENT, str(world / "out"), StandIn)
    text = (world / "out/metrics.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail)["format"] == 2
    scores = Scores.open(str(world / "out"))
    assert scores.record == found and scores.verify() == []


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


KILLED = """
import os, signal, sys
import polydistill.eval.run
from pathlib import Path
from tests.eval.test_run import STUDENT, StandIn, config, models

class Dies(StandIn):
    left = 2  # calls

    def __call__(self, questions, shots, max_tokens, stop, advance):
        if not Dies.left:
            os.kill(os.getpid(), signal.SIGKILL)
        Dies.left -= 1
        return super().__call__(questions, shots, max_tokens, stop, advance)

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
        def __call__(self, questions, shots, max_tokens, stop, advance):  # type: ignore[no-untyped-def]
            asked.append(len(questions))
            return super().__call__(questions, shots, max_tokens, stop, advance)

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
    assert bool(Scores.open(str(world / "out")).verify()) == (harm != "no record")
    StandIn.asked.clear()
    again = record(models(world, "half"), config(world), STUDENT, str(world / "out"), StandIn)
    assert StandIn.asked == [("half", "deu_Latn")] and again == whole and file.read_bytes() == content
    assert ("asked again: " in capsys.readouterr().err) == (harm != "no record")


def test_the_table_of_arms(world: Path) -> None:
    names = ("none", "half/seed0", "third/seed1", "gold/seed0", "most/seed1")
    named = {name.replace("third", "half").replace("most", "gold"): name.split("/")[0] for name in names}
    paths = {name: str(world / "models" / kind) for name, kind in named.items()}
    found = record(paths, config(world), STUDENT, str(world / "out"), StandIn)
    table = summary(found)
    assert list(table.rows) == ["none", "half", "gold"]
    assert [column.side for column in table.columns[:4]] == ["targets", "English", "targets", "English"]
    accuracy = [cells[0] for cells in table.rows.values()]
    assert [str(cell) for cell in accuracy] == ["0.0", "41.7 ± 11.8", "95.8 ± 5.9"]
    assert any("* differs from half (Welch's test, p < 0.05" in note for note in table.notes)
    assert [cell.rank for cell in accuracy if cell] == [3, 2, 1]
    off_target = [cells[-1] for cells in table.rows.values()]
    assert str(off_target[0]) == "100.0 (0.0)"
    assert "| gold | **95.8 ± 5.9** |" in to_markdown(table)
    assert "<b>95.8</b> <small>± 5.9</small>" in to_html(table)
    from rich.console import Console

    console = Console(width=80, record=True)
    console.print(to_terminal(table))
    assert max(map(len, console.export_text().splitlines())) <= 80
    page = (world / "out/report.html").read_text(encoding="utf-8")
    assert "Methods and their runs" in page and "<title>gold: 100.0, 91.7</title>" in page
    assert "<th>gold</th><th>belebele</th><th>accuracy</th><th>target</th><td>95.8 ± 5.9</td><td>2</td>" in page
    (tested,) = [
        e for e in found.arms if e.arm == "gold" and (e.set, e.metric, e.side) == ("belebele", "accuracy", "target")
    ]
    assert tested.effect and tested.effect.against == "half"
    assert tested.effect.difference == pytest.approx(54.1667, abs=1e-3)
    assert tested.effect.low < tested.effect.difference < tested.effect.high
    assert tested.effect.p <= tested.effect.p_holm <= 1
    assert next(e for e in found.arms if e.arm == "none").effect is None  # one run: nothing to test


def test_the_report_stands_alone(world: Path) -> None:
    evaluate(models(world, "none", "half"), config(world), STUDENT, str(world / "out"), StandIn)
    page = (world / "out/report.html").read_text(encoding="utf-8")
    assert not any(part in page for part in ("<script", "http://", "https://", "<link", "@import", "src="))
    assert "犬が川のそばの古い家で" in page and page.count("<svg") == page.count("</svg>") > 3
    assert "FLORES BLEU, targets" in (world / "out/report.md").read_text(encoding="utf-8")


def test_texts_of_data_and_models_cannot_break_the_report(world: Path) -> None:
    file = world / "data/flores/devtest/eng_Latn.devtest"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[0] = "</pre><script>alert(1)</script> & so on"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    evaluate({"<b>bad": str(world / "models/gold")}, config(world), STUDENT, str(world / "out"), StandIn)
    page = (world / "out/report.html").read_text(encoding="utf-8")
    assert "<script" not in page and "<b>bad" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on" in page


def test_shots_are_the_same_for_every_question_and_follow_the_seed(world: Path) -> None:
    folder = world / "data/flores/dev"
    folder.mkdir()
    for language in ("eng_Latn", "deu_Latn"):
        (folder / f"{language}.dev").write_text("".join(f"{language} {i}\n" for i in range(20)))
    task = {"task": "flores", "shots": 3, "languages": ["deu_Latn"]}
    (into, _) = load_questions(config(world, tasks=[task])).sets
    assert len(into.shots) == 3 and all(shot.gold[0].startswith("deu_Latn") for shot in into.shots)
    assert load_questions(config(world, tasks=[task])).sets[0].shots == into.shots
    assert load_questions(config(world, tasks=[task], seed=1)).sets[0].shots != into.shots


def test_shots_need_examples(world: Path) -> None:
    with pytest.raises(UserError, match="belebele has no examples of its own"):
        load_questions(config(world, tasks=[{"task": "belebele", "shots": 2}]))


def test_the_same_set_twice_is_refused(world: Path) -> None:
    with pytest.raises(UserError, match="belebele in eng_Latn is there twice"):
        load_questions(config(world, tasks=["belebele", {"task": "belebele", "choices": "text"}]))


def test_a_missing_model_is_named(world: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: no such model folder"):
        evaluate({"x": str(world / "nowhere")}, config(world), STUDENT, str(world / "out"), StandIn)


def test_comet_with_references_scores_translations(world: Path, tmp_path: Path) -> None:
    """A random COMET model of the real architecture: what matters is which texts it was given."""
    import importlib.util

    from polydistill.engine.judging.quality.comet import Comet

    file = Path(__file__).parents[1] / "engine" / "judging" / "comet" / "models.py"
    spec = importlib.util.spec_from_file_location("comet_models", file)
    assert spec and spec.loader
    written = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(written)
    folder = str(written.write(tmp_path / "comet", "regression"))
    settings = config(world, comet=folder, tasks=[{"task": "flores", "bleu_tokenizer": "language"}])
    found = record(models(world, "gold", "half"), settings, STUDENT, str(world / "out"), StandIn)
    scores = {(r.model, r.set, r.language): r.value for r in found.results if r.metric == "comet"}
    assert len(scores) == 8
    entry = next(s for s in load_questions(settings).sets if s.name == "flores_from" and s.language == "jpn_Jpan")
    gold = [question.gold[0] for question in entry.questions]
    wanted = Comet.load(folder).score([question.source for question in entry.questions], gold, gold)
    assert scores["gold", "flores_from", "jpn_Jpan"] == pytest.approx(100 * wanted.mean(), abs=1e-3)


def test_a_language_that_a_benchmark_lacks_is_left_out_with_a_note(world: Path) -> None:
    settings = config(world, targets=["deu_Latn", "fra_Latn"], tasks=["belebele"])
    found = record(models(world, "gold"), settings, STUDENT, str(world / "out"), StandIn)
    assert {row.language for row in found.results} == {"eng_Latn", "deu_Latn"}
    (note,) = found.notes
    assert note.startswith("belebele was not asked in fra_Latn: ") and "fra_Latn.jsonl" in note
    assert "fra" in (world / "out/report.md").read_text()
    with pytest.raises(UserError, match="belebele has none of the languages fra_Latn"):
        load_questions(config(world, tasks=[{"task": "belebele", "languages": ["fra_Latn"]}]))


def test_signatures_say_how_the_model_was_asked(world: Path) -> None:
    """Template, instruction, length and number format decide an answer, so they stand beside every number."""
    chat = Student(model="unused", prompt="chat", engine={"dtype": "float32"})
    seen = set()
    for student, changes in ((STUDENT, {}), (chat, {}), (STUDENT, {"prompt_language": "target"})):
        settings = config(world, tasks=["belebele"], **changes)
        found = record(models(world, "gold"), settings, student, str(world / "out"), StandIn)
        seen.add(next(row.signature for row in found.results if row.language == "deu_Latn"))
        assert found.student["prompt"] == student.prompt
    assert len(seen) == 3 and any("prompt:chat" in text and "dtype:float32" in text for text in seen)


def test_tables_for_papers(world: Path) -> None:
    found = record(models(world, "half/a_1", "half/b"), config(world), STUDENT, str(world / "out"), StandIn)
    text = (world / "out/report.tex").read_text(encoding="utf-8")
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") >= 2 and r"\toprule" in text
    assert all(
        line.count(" & ") == text.split(r"\midrule")[1].splitlines()[1].count(" & ")
        for line in text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    )
    rows = list(csv.DictReader((world / "out/results.csv").open(encoding="utf-8")))
    assert len(rows) == len(found.results) and {row["arm"] for row in rows} == {"half"}
    figures = world / "out/figures"
    assert (figures / "belebele-accuracy.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (figures / "belebele-accuracy.svg").read_text(encoding="utf-8")
    by_language = summary(found, "language")
    assert {column.side for column in by_language.columns} == {"English", "German", "Japanese"}


def test_answers_are_alike_where_both_are_right_or_both_wrong(world: Path) -> None:
    found = record(
        models(world, "gold", "half"), config(world, tasks=["belebele"]), STUDENT, str(world / "out"), StandIn
    )
    alike = {(row.model, row.language): (row.value, row.both_right, row.n) for row in found.likeness}
    assert alike["gold", "deu_Latn"] == (100, 100, 12) and alike["half", "jpn_Jpan"] == (100, 50, 12)
