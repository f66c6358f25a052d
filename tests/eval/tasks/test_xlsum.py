"""XL-Sum: files by the language's name, ROUGE in any script."""

from pathlib import Path

from polydistill.eval.question import Answer
from tests.eval.tasks.reading import gold, jsonl, load, values


def test_xlsum_names_its_files_by_language(tmp_path: Path) -> None:
    row = {"id": "1", "url": "u", "title": "t", "summary": "中国的首都是北京。", "text": "很长的文章。"}
    jsonl(tmp_path / "chinese_simplified_test.jsonl", row)
    questions = load(tmp_path, "zho_Hans", task="xlsum")["xlsum"]
    assert questions[0].input == "很长的文章。"
    assert values(questions, [gold(q) for q in questions], task="xlsum") == {
        "rouge1": 100,
        "rouge2": 100,
        "rougeL": 100,
    }
    assert values(questions, [Answer("")], task="xlsum") == {"rouge1": 0, "rouge2": 0, "rougeL": 0}


def test_an_instruction_of_ones_own_per_language(tmp_path: Path) -> None:
    jsonl(tmp_path / "german_test.jsonl", {"id": "1", "summary": "s", "text": "t"})
    settings = {"task": "xlsum", "instruction": {"de": "Fasse zusammen."}}
    assert load(tmp_path, **settings)["xlsum"][0].instruction == "Fasse zusammen."
