"""Rows of the formats that trainers read. Each function makes a row of a sample, or None where it cannot hold it."""

from collections.abc import Callable

from polydistill.engine.export.samples import Sample
from polydistill.engine.prompts.conversation import HERE, Message, messages

Row = dict[str, object]
Format = Callable[[Sample], Row | None]

_SHAREGPT = {"user": "human", "assistant": "gpt"}


def alpaca(sample: Sample) -> Row | None:
    """Stanford Alpaca's fields, with LLaMA-Factory's `system` and `history` (pairs of question and answer)."""
    row: Row = {"instruction": sample.instruction, "input": sample.input, "output": sample.response}
    if sample.system is not None:
        row["system"] = sample.system
    if sample.history is not None:
        roles = [turn["role"] for turn in sample.history]
        plain = all(turn["content"] is not None and turn["payload"] in (None, "{}") for turn in sample.history)
        if roles != ["user", "assistant"] * (len(roles) // 2) or not plain:
            return None
        texts = [turn["content"] for turn in sample.history]
        row["history"] = [list(pair) for pair in zip(texts[::2], texts[1::2])]
    return row


def chat(sample: Sample) -> Row:
    """Chat messages, as chat templates, TRL and axolotl take them: system turn, earlier turns, question, answer."""
    return {"messages": _turns(sample)}


def sharegpt(sample: Sample) -> Row:
    """ShareGPT's turns: {"from": "human", "value": ...}; other keys of a turn stay in it."""
    turns = []
    for turn in _turns(sample):
        rest = {key: value for key, value in turn.items() if key not in ("role", "content")}
        turns.append({"from": _SHAREGPT.get(str(turn["role"]), turn["role"]), "value": turn["content"], **rest})
    return {"id": sample.id, "conversations": turns}


def prompt_completion(sample: Sample) -> Row | None:
    """TRL's prompt and completion, as texts; None for a conversation, which `messages` holds."""
    if sample.system is not None or sample.history is not None:
        return None
    question = f"{sample.instruction}\n\n{sample.input}" if sample.input else sample.instruction
    return {"prompt": question, "completion": sample.response}


def _turns(sample: Sample) -> list[Message]:
    # A mark in the history says where the question stands; the answer ends the conversation in either case.
    history = sample.history or None
    if history and history[-1] == HERE:
        history = history[:-1]
    return messages(sample.system, history, sample.instruction, sample.input, sample.response)


FORMATS: dict[str, Format] = {
    "alpaca": alpaca,
    "messages": chat,
    "sharegpt": sharegpt,
    "prompt-completion": prompt_completion,
    "llamafactory": alpaca,
    "axolotl": chat,
}
"""Formats that a sample becomes a row of. `datasets` and `dpo` are made of the tables themselves."""
