"""The published chat template renders what training renders."""

from typing import Any

import pytest

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.trainer.publish.chat_template import chat_template
from tests.engine.generation.tokenizers_fixture import TEMPLATES, make_tokenizer

TALKS = [
    [Message("user", "Which one?")],
    [Message("system", "Be {{ short }}.\n"), Message("user", 'Which "one"?')],
    [Message("user", "A?"), Message("assistant", "B."), Message("user", "C?")],
    [Message("system", "S"), Message("user", "A?"), Message("assistant", "B."), Message("user", "C?")],
]


@pytest.fixture(scope="module")
def tokenizer(student: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(student)


@pytest.mark.parametrize("talk", TALKS, ids=["plain", "system", "turns", "system and turns"])
@pytest.mark.parametrize("template", ["alpaca", "raw"])
def test_prompts_are_those_of_training(template: Any, talk: list[Message], tokenizer: Any) -> None:
    wanted = PromptTokens(tokenizer, template).prompt_ids([talk])[0]
    published = chat_template(Student(model="m", prompt=template), tokenizer)
    turns = [{"role": turn.role, "content": turn.content} for turn in talk]
    found = tokenizer.apply_chat_template(turns, chat_template=published, add_generation_prompt=True, return_dict=False)
    assert found == wanted
    whole = [*turns, {"role": "assistant", "content": "Three."}]
    text = tokenizer.apply_chat_template(whole, chat_template=published, tokenize=False)
    assert text.endswith("Three.</s>") and text.count("</s>") == 1


@pytest.mark.parametrize("talk", TALKS, ids=["plain", "system", "turns", "system and turns"])
@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "marked"])
def test_chat_templates_render_what_training_rendered(template: str, talk: list[Message]) -> None:
    """Llama 3's writes today's date, and Gemma's refuses a system turn."""
    tokenizer = make_tokenizer(template=template)
    wanted = PromptTokens(tokenizer, "chat").renderer.prompt(talk)
    published = chat_template(Student(model="m", prompt="chat"), tokenizer)
    turns = [{"role": turn.role, "content": turn.text} for turn in talk]
    found = tokenizer.apply_chat_template(turns, chat_template=published, add_generation_prompt=True, tokenize=False)
    assert found == wanted


def test_template_arguments_are_fixed(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}{{ messages[0].content }}"
    monkeypatch.setattr(tokenizer, "chat_template", source)
    student = Student(model="m", prompt="chat", template={"enable_thinking": False})
    turns = [{"role": "user", "content": "A?"}]
    for template, wanted in ((None, "<think>A?"), (chat_template(student, tokenizer), "A?")):
        assert tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False) == wanted
