"""From questions to token ids, with solved examples before them where the task asks for some."""

from collections.abc import Sequence
from typing import Any

from polydistill.engine.generation.templates import Template, encode
from polydistill.eval.question import Question

# What ends an answer when examples have shown that another question follows.
STOPS: dict[str, tuple[str, ...]] = {"alpaca": ("\n\n###", "\n\nBelow is"), "raw": ("\n\n",), "chat": ()}


def prompt_tokens(
    questions: Sequence[Question], shots: Sequence[Question], template: Template, tokenizer: Any
) -> list[list[int]]:
    """Token ids of each prompt: examples with their answers, then the question.

    Examples are the same for every question, so that an engine with prefix caching reads them once.
    """
    before: list[int] = []
    begin = tokenizer.bos_token_id
    for shot, ids in zip(shots, _questions(shots, template, tokenizer)):
        ids = ids[1:] if before and ids[:1] == [begin] else ids
        end = [tokenizer.eos_token_id] if template == "chat" else _text("\n\n", tokenizer)
        before += ids + _answer(ids, _gold(shot), tokenizer) + end
    prompts = _questions(questions, template, tokenizer)
    return [before + (ids[1:] if before and ids[:1] == [begin] else ids) for ids in prompts]


def choice_tokens(prompt: Sequence[int], choices: Sequence[str], tokenizer: Any) -> list[list[int]]:
    """Token ids of each candidate as they stand after the prompt."""
    return [_answer(prompt, choice, tokenizer) for choice in choices]


def _questions(questions: Sequence[Question], template: Template, tokenizer: Any) -> list[list[int]]:
    templated = [q for q in questions if not q.plain]
    plain = [q for q in questions if q.plain]
    asked = [q.instruction for q in templated], [q.input for q in templated]
    ids = encode(tokenizer, template, *asked) if templated else []
    bare = tokenizer([q.instruction for q in plain], split_special_tokens=True)["input_ids"] if plain else []
    ours, theirs = iter(ids), iter(bare)
    return [_open(next(theirs if q.plain else ours), tokenizer) for q in questions]


def _open(ids: list[int], tokenizer: Any) -> list[int]:
    """Without the end token that some tokenizers add by themselves."""
    return ids[:-1] if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id else ids


def _text(text: str, tokenizer: Any) -> list[int]:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


def _answer(prompt: Sequence[int], answer: str, tokenizer: Any) -> list[int]:
    """Tokens of an answer behind a prompt, as the trainer cuts them: as one text where that leaves the prompt's
    tokens as they are, which only the last few of them can tell."""
    tail = list(prompt[-8:])
    text = tokenizer.decode(tail, clean_up_tokenization_spaces=False)
    alone, whole = _text(text, tokenizer), _text(text + answer, tokenizer)
    return whole[len(alone) :] if alone == tail and whole[: len(alone)] == alone else _text(answer, tokenizer)


def _gold(shot: Question) -> str:
    return shot.choices[shot.right] if shot.choices else shot.gold[0]
