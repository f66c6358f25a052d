"""What a benchmark's files give, checked: whatever is wrong is one sentence."""

import json
from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.eval.data.sets import load_questions
from tests.eval.stand_in import config
from tests.eval.tasks.reading import BELEBELE, load

WRONG: dict[str, tuple[str, dict[str, str], str]] = {
    "null": (
        "belebele",
        {"deu_Latn.jsonl": json.dumps(BELEBELE | {"question": None})},
        r"jsonl:1: field 'question' .* null",
    ),
    "a list": ("xlsum", {"german_test.jsonl": '{"text": [], "summary": "s"}'}, "field 'text' should be text"),
    "gold of mgsm": ("mgsm", {"mgsm_de.tsv": "Wie viel?\tdrei\n"}, "mgsm_de.tsv:1: expected a number"),
    "infinite gold": ("mgsm", {"mgsm_de.tsv": "Wie viel?\tNaN\n"}, "mgsm_de.tsv:1: expected a number"),
    "label of xnli": (
        "xnli",
        {"xnli.test.tsv": "language\tgold_label\tx\tx\tx\tpairID\tsentence1\tsentence2\nde\t-\t\t\t\t7\ta\tb\n"},
        "pairID 7: gold_label '-'",
    ),
    "half a character": ("xlsum", {"german_test.jsonl": '{"text": "\\ud800", "summary": "s"}'}, "half a character"),
    "no list": ("xquad", {"xquad.de.json": '{"data": 5}'}, r"xquad\.de\.json: field 'data' should be a list, found 5"),
    "a list of texts": ("xquad", {"xquad.de.json": '{"data": ["a"]}'}, "expected an object, found str"),
    "no answers by language": (
        "mkqa",
        {"mkqa.jsonl": '{"example_id": 7, "queries": {"de": "Wer?"}, "answers": {"de": 5}}'},
        "example_id 7: field 'de' should be a list",
    ),
    "a path as a relation": (
        "mlama",
        {"de/templates.jsonl": '{"relation": "../../x", "template": "[X] [Y]"}'},
        "cannot be a file's name",
    ),
}


@pytest.mark.parametrize(("name", "files", "message"), WRONG.values(), ids=WRONG)
def test_whatever_is_wrong_with_a_file_is_one_sentence(
    tmp_path: Path, name: str, files: dict[str, str], message: str
) -> None:
    for file, text in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load(tmp_path, task=name)


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
