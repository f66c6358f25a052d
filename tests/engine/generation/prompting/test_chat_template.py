"""What a chat template's rendering says about a conversation."""

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.chat_template import ChatTemplate
from polydistill.engine.generation.prompting.conversation import Message
from tests.engine.generation.tokenizers_fixture import END_OF_TURN, TEMPLATES, make_tokenizer

TURNS = [Message("user", "A"), Message("assistant", "B"), Message("user", "C"), Message("assistant", "D")]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_conversation_begins_with_its_prompt_and_ends_with_its_turn(name: str) -> None:
    arguments = {"enable_thinking": False} if name == "qwen" else {}
    template = ChatTemplate(make_tokenizer(template=name), arguments)
    whole = template.whole(TURNS)
    assert whole.text.startswith(template.prompt(TURNS[:-1])) and whole.text[: whole.start] == template.prompt(
        TURNS[:-1]
    )
    assert whole.closed and whole.text.endswith(END_OF_TURN[name])
    assert whole.text[: whole.end].endswith("D")
    assert whole.text[whole.written[-1][0] :].lstrip().startswith("D")


@pytest.mark.parametrize(("name", "takes"), [("gemma", False), ("qwen", True), ("zephyr", True), ("llama2", True)])
def test_a_system_turn_is_merged_only_where_it_is_refused(name: str, takes: bool) -> None:
    template = ChatTemplate(make_tokenizer(template=name))
    assert template.has_system is takes
    text = template.prompt([Message("system", "S"), Message("user", "A")])
    assert ("S\n\nA" in text) is not takes or name == "llama2"


def test_roles_in_an_order_that_the_template_refuses_are_an_error() -> None:
    template = ChatTemplate(make_tokenizer(template="mistral"))
    with pytest.raises(UserError, match="Roles must alternate"):
        template.prompt([Message("user", "A"), Message("user", "B")])


def test_markers_that_leave_out_the_answer_are_an_error() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'user' %}{% generation %}{{ m.content }}{% endgeneration %}"
        "{% else %}{{ m.content + '</s>' }}{% endif %}{% endfor %}"
    )
    with pytest.raises(UserError, match="markers leave out the answer"):
        ChatTemplate(tokenizer).whole(TURNS[:2])
