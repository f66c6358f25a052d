import pytest

from polydistill.engine.generation.templates import render


class Chat:
    """Stands in for a tokenizer: shows what it was asked for."""

    def apply_chat_template(self, messages, tokenize, add_generation_prompt):
        assert not tokenize and add_generation_prompt
        return "".join(f"<{message['role']}>{message['content']}" for message in messages) + "<assistant>"


@pytest.mark.parametrize(
    ("template", "input", "expected"),
    [
        ("raw", "", "Add.\n"),
        ("raw", "1 2", "Add.\n\n1 2\n"),
        ("chat", "", "<user>Add.<assistant>"),
        ("chat", "1 2", "<user>Add.\n\n1 2<assistant>"),
        (
            "alpaca",
            "",
            "Below is an instruction that describes a task. Write a response that appropriately completes the request."
            "\n\n### Instruction:\nAdd.\n\n### Response:\n",
        ),
        (
            "alpaca",
            "1 2",
            "Below is an instruction that describes a task, paired with an input that provides further context. "
            "Write a response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n"
            "### Input:\n1 2\n\n### Response:\n",
        ),
    ],
)
def test_prompts(template, input, expected):
    assert render(template, "Add.", input, Chat()) == expected


def test_braces_in_the_text_are_text():
    assert "\n{input} {0}\n" in render("alpaca", "{input} {0}", "{x}") and "\n{x}\n" in render("alpaca", "a", "{x}")
