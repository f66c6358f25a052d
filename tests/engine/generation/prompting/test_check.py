"""What a template cannot do is said in one sentence before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.check import check_template
from tests.engine.generation.tokenizers_fixture import make_tokenizer

TURNS = "{% for m in messages %}{{ m.role + m.content + '</s>' }}{% endfor %}"


def student(folder: Path, source: str | None, **settings: Any) -> Student:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = source
    tokenizer.save_pretrained(folder)
    return Student(model=str(folder), prompt="chat", **settings)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('no way') }}", r"the chat template fails \(no way\)"),
        ("{{ messages[0]['content'] }}", "leaves out the assistant's turn"),
        (TURNS + "{% if add_generation_prompt %}<think>{% endif %}", "opens the assistant's turn with '<think>'"),
        ("{{ ''.__class__.__mro__ }}", "tries to leave its sandbox"),
        ("{{ 'a' * 8000000000 }}", "more than 2 GiB or 20 s"),
        ("{{ 'a' * 2000000 }}" + TURNS, "writes 2,0"),
        ("{% if", "the chat template fails"),
    ],
)
def test_templates_that_cannot_be_used(source: str | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as raised:
        check_template(student(tmp_path, source))
    assert len(str(raised.value).splitlines()) == 1


def test_a_loop_without_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polydistill.engine.generation.prompting.probe.SECONDS", 1)
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% set x = a %}{% endfor %}{% endfor %}"
    with pytest.raises(UserError, match="more than 2 GiB or 1 s"):
        check_template(student(tmp_path, loops + TURNS))


def test_what_a_template_does_is_reported(tmp_path: Path) -> None:
    found = check_template(student(tmp_path / "plain", TURNS))
    assert (found.end, found.system, found.notes) == ("</s>", "turn", ())
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ strftime_now('%Y') }}"
    found = check_template(student(tmp_path / "odd", refuses + TURNS))
    assert found.system == "merged" and len(found.notes) == 2
    thinks = TURNS + "{% if enable_thinking is defined and not enable_thinking %}{% endif %}"
    (note,) = check_template(student(tmp_path / "thinks", thinks)).notes
    assert "may think before each answer" in note
    chosen = student(tmp_path / "thinks", thinks, template={"enable_thinking": True})
    assert check_template(chosen).notes == ()


def test_templates_of_ours_need_an_end_token(tmp_path: Path) -> None:
    make_tokenizer().save_pretrained(tmp_path)
    assert check_template(Student(model=str(tmp_path))).end == "</s>"
    tokenizer = make_tokenizer(ends="none")
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="names no end token"):
        check_template(Student(model=str(tmp_path)))
