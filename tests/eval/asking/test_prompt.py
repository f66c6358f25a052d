"""Prompts as token ids: with and without solved examples, in each template."""

from dataclasses import replace
from typing import Any

import pytest

from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.eval.asking.prompt import choice_tokens, prompt_tokens
from polydistill.eval.question import Question

QUESTION = Question("q", "eng_Latn", "Where?", "Here it is.")
SHOTS = [Question("a", "eng_Latn", "Who?", gold=("I.",)), Question("b", "eng_Latn", "AB?", choices=("A", "B"), right=1)]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """Bytes as tokens, with a begin token before every text and an end token, and a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(["<s>", "</s>"])
    ends = [("<s>", 0), ("</s>", 1)]
    backend.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    made = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    turns = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '</s>' }}{% endfor %}"
    made.chat_template = "<s>" + turns + "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
    return made


def text(tokenizer: Any, shots: list[Question], template: Any, question: Question = QUESTION) -> str:
    (ids,) = prompt_tokens([question], shots, PromptTokens(tokenizer, template))
    return tokenizer.decode(ids)


def test_a_question_alone(tokenizer: Any) -> None:
    assert text(tokenizer, [], "raw") == "<s>Where?\n\nHere it is.\n"
    assert text(tokenizer, [], "chat") == "<s>user: Where?\n\nHere it is.</s>assistant: "
    assert text(tokenizer, [], "alpaca").endswith("### Input:\nHere it is.\n\n### Response:\n")


def test_examples_stand_before_it_with_one_begin_token(tokenizer: Any) -> None:
    raw = text(tokenizer, SHOTS, "raw")
    assert raw == "<s>Who?\nI.\n\nAB?\nB\n\nWhere?\n\nHere it is.\n"
    chat = text(tokenizer, SHOTS, "chat")
    turns = "user: Who?</s>assistant: I.</s>user: AB?</s>assistant: B</s>user: Where?\n\nHere it is.</s>assistant: "
    assert chat == "<s>" + turns


def test_a_plain_question_has_no_template(tokenizer: Any) -> None:
    plain = Question("p", "eng_Latn", "Tirana is in", choices=(" Albania", " Italy"), plain=True)
    assert text(tokenizer, [], "alpaca", plain) == "<s>Tirana is in"
    mixed = prompt_tokens([plain, QUESTION, plain], [], PromptTokens(tokenizer, "raw"))
    assert [tokenizer.decode(ids) for ids in mixed] == [
        "<s>Tirana is in",
        "<s>Where?\n\nHere it is.\n",
        "<s>Tirana is in",
    ]


def test_control_tokens_in_a_question_stay_text(tokenizer: Any) -> None:
    (ids,) = prompt_tokens([Question("q", "eng_Latn", "say </s> please")], [], PromptTokens(tokenizer, "raw"))
    assert ids.count(tokenizer.eos_token_id) == 0


def test_choices_continue_the_prompt(tokenizer: Any) -> None:
    tokens, closed = PromptTokens(tokenizer, "raw"), replace(QUESTION, choices=("A", "Rome"), right=0)
    (prompt,) = prompt_tokens([closed], [], tokens)
    first, second = choice_tokens(closed, [], tokens)
    assert tokenizer.decode(prompt + second) == "<s>Where?\n\nHere it is.\nRome" and len(first) == 1
