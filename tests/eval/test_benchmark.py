"""Benchmarks are found by their files, and every file holds what one must."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval import tasks
from polydistill.eval.benchmark import ENGLISH, Benchmark, Wanted, benchmark, names
from polydistill.eval.config import Task


def test_a_new_file_is_a_new_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tasks.__path__[0])
    (tmp_path / "riddles.py").write_text((folder / "mgsm.py").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    names.cache_clear()
    try:
        assert "riddles" in names() and Task(task="riddles")
        (tmp_path / "mgsm_de.tsv").write_text("Wie viel?\t3\n")
        (question,) = benchmark("riddles").questions(Wanted(Task(task="riddles"), tmp_path, "deu_Latn", ENGLISH))[
            "mgsm"
        ]
        assert question.gold == ("3",)
    finally:
        monkeypatch.undo()
        names.cache_clear()
    assert "riddles" not in names()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no benchmark 'belebel' \(did you mean belebele\?\). There are: belebele"):
        benchmark("belebel")


MEMBERS = [name for name in vars(Benchmark) if not name.startswith("_")]


@pytest.mark.parametrize("name", names())
def test_every_benchmark_is_whole(name: str) -> None:
    module = benchmark(name)
    for attribute in MEMBERS:
        assert hasattr(module, attribute), attribute
    assert module.ABOUT and module.HEADLINE and module.MAX_TOKENS > 0 and module.KIND in ("NLU", "NLG", "")
    for code in module.INSTRUCTIONS:
        assert get_language(code).code == code
    assert not module.INSTRUCTIONS or ENGLISH in module.INSTRUCTIONS
    assert len(set(module.INSTRUCTIONS.values())) == len(module.INSTRUCTIONS)


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("xquad", "en ar de el es hi ro ru th tr vi zh id ja"),
        ("mgsm", "bn de en es fr ja ru sw te th zh id"),
        ("xnli", "ar bg de el en es fr hi ru sw th tr ur vi zh"),
        ("belebele", "de id ja"),
        ("xlsum", "de id ja"),
        ("flores", "de id ja"),
    ],
)
def test_prompts_in_the_languages_of_the_papers_are_shipped(name: str, languages: str) -> None:
    assert {get_language(code).code for code in languages.split()} <= set(benchmark(name).INSTRUCTIONS)


def test_an_instruction_is_in_english_unless_the_target_is_asked_for() -> None:
    texts = {ENGLISH: "Sum up.", "deu_Latn": "Fasse zusammen."}

    def said(task: Task, language: str, native: bool) -> str:
        return Wanted(task, Path("."), language, ENGLISH, native=native).instruction(texts)

    plain, own = Task(task="xlsum"), Task(task="xlsum", instruction={"de": "Kurz!"})
    assert said(plain, "deu_Latn", False) == said(plain, "jpn_Jpan", True) == "Sum up."
    assert said(plain, "deu_Latn", True) == "Fasse zusammen."
    assert said(own, "deu_Latn", True) == "Kurz!" and said(own, "jpn_Jpan", False) == "Sum up."
