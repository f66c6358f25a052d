"""Damaged benchmark files: a UserError that names the file, or questions, as many as the file has rows."""

import functools
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.files.decode import read_lines
from polydistill.engine.files.source import File
from polydistill.eval.benchmark import benchmark, names
from polydistill.eval.config import Task
from polydistill.eval.question import Answer, Question
from tests.engine.files.mutation import COUNT, Reader, damage
from tests.eval.tasks.reading import BELEBELE, SQUAD, load

XNLI = "language gold_label x x x x sentence1 sentence2 promptID pairID".replace(" ", "\t")
SUMS = b"".join(b"Wie viel ist %d und 1?\t%d\n" % (i, i + 1) for i in range(20))
EXEMPLARS = 'MGSM_EXEMPLARS = {"de": {"1": {"q": "Frage: Was ist 1+1?", "a": "Schritt: Das ist 2."}}}\n'


def lines(make: Callable[[int], dict[str, Any]]) -> bytes:
    return "".join(json.dumps(make(i), ensure_ascii=False) + "\n" for i in range(20)).encode()


def question(number: int) -> dict[str, Any]:
    return {**BELEBELE, "question_number": number, "correct_answer_num": str(1 + number % 4)}


def queries(number: int) -> dict[str, Any]:
    answer = {"type": "entity", "entity": "Q1", "text": f"Stadt {number}", "aliases": [f"S{number}"]}
    return {"example_id": number, "queries": {"de": f"Wo ist {number}?"}, "answers": {"de": [answer], "en": [answer]}}


def choice(number: int) -> dict[str, Any]:
    texts = {"premise": "Kran terbuka.", "choice1": f"Toilet {number}.", "choice2": "Air mengalir."}
    return {**texts, "question": "effect", "label": number % 2, "idx": number}


def read(task: str, path: Path, folder: Path, language: str = "deu_Latn", head: int | None = None, **how: Any) -> None:
    """Read the benchmark in `folder`, then score its gold and silence.

    `head` is the number of lines of the file that are no questions; None where its rows are not its lines.
    """
    (folder / "devtest").mkdir(exist_ok=True)
    english = "".join(f"Sentence {i}.\n" for i in range(20))
    (folder / "devtest/eng_Latn.devtest").write_text(english)
    if path.name != "templates.jsonl":
        (folder / "de").mkdir(exist_ok=True)
        template = {"relation": "P36", "template": "Die Hauptstadt von [X] ist [Y] ."}
        (folder / "de/templates.jsonl").write_text(json.dumps(template))
    try:
        found = load(folder, language, task=task, **how)
    except UserError as error:
        if str(folder) not in str(error):
            raise AssertionError(f"the file is not named: {error}") from error
        raise
    for questions in found.values():
        if head is not None:
            assert len(questions) == sum(bool(line.strip()) for line in read_lines(File.of(path))) - head
        score(task, questions)


def score(task: str, questions: list[Question]) -> None:
    """What is read can be scored: an error after all answers would be too late."""
    settings = Task(task=task, bleu_tokenizer="13a") if task == "flores" else Task(task=task)
    gold = [Answer(q.gold[0] if q.gold else "", choice=q.right) for q in questions]
    for answers in (gold, [Answer()] * len(questions)):
        try:
            benchmark(task).score(questions, answers, settings)
        except UserError as error:
            raise AssertionError(f"{task} is read and cannot be scored: {error}") from error


def of(task: str, language: str = "deu_Latn", head: int | None = None, **how: Any) -> Callable[[Path, Path], None]:
    return functools.partial(read, task, language=language, head=head, **how)


SQUAD_FILE = json.dumps(SQUAD).encode()
ORDERS = [{"id": f"a-{i}", "instruction": f"Nenne {i}.", "input": "", "output": "Rot."} for i in range(20)]
TOPICS = "index_id\tcategory\ttext\n" + "".join(f'{i}\tsports\t"Das ""Spiel"" {i} begann."\n' for i in range(20))
PAIRS = "".join(f"de\tneutral\t\t\t\t\tEr schläft {i}.\tEr ist wach.\t1\t{i}\n" for i in range(20))

READERS: list[Reader] = [
    ("deu_Latn.jsonl", lines(question), of("belebele", head=0)),
    ("deu_Latn.jsonl.gz", gzip.compress(lines(question)), of("belebele", head=0)),
    ("devtest/deu_Latn.devtest", b"".join(b"Satz %d.\n" % i for i in range(20)), of("flores")),
    ("mgsm_de.tsv", SUMS, of("mgsm", head=0)),
    ("exemplars.py", EXEMPLARS.encode(), of("mgsm", split="exemplars")),
    ("mkqa.jsonl.gz", gzip.compress(lines(queries)), of("mkqa", head=0)),
    ("de/P36.jsonl", lines(lambda i: {"sub_label": f"Land {i}", "obj_label": f"Stadt {i}"}), of("mlama")),
    ("de/templates.jsonl", b'{"relation": "P36", "template": "Die Hauptstadt von [X] ist [Y] ."}\n', of("mlama")),
    ("deu_Latn/test.tsv", TOPICS.encode(), of("sib200")),
    ("id/test.id.jsonl", lines(choice), of("xcopa", "ind_Latn", head=0)),
    (
        "german_test.jsonl",
        lines(lambda i: {"id": str(i), "summary": "Kurz.", "text": f"Lang {i}."}),
        of("xlsum", head=0),
    ),
    ("xnli.test.tsv", f"{XNLI}\n{PAIRS}{PAIRS.replace('de', 'en')}".encode(), of("xnli")),
    ("xquad.de.json", SQUAD_FILE, of("xquad")),
    ("test/test-context-de-question-de.json", SQUAD_FILE, of("mlqa")),
    ("de.json", json.dumps(ORDERS).encode(), of("off_target")),
]


@pytest.mark.timeout(max(300, COUNT))
def test_damaged_files_end_in_a_sentence_or_in_questions(tmp_path: Path) -> None:
    damage(__name__, tmp_path)


def test_every_benchmark_is_read_whole(tmp_path: Path) -> None:
    asked = set()
    for number, (name, raw, reader) in enumerate(READERS):
        file = tmp_path / str(number) / name
        file.parent.mkdir(parents=True)
        file.write_bytes(raw)
        reader(file, tmp_path / str(number))
        asked.add(reader.args[0])  # type: ignore[attr-defined]
    assert asked == set(names())
