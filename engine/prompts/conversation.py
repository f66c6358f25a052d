"""Conversations: from chat messages (OpenAI, ShareGPT, XTuner, pairs) to a row's columns, and back.

A row is a question and its answer. Of a conversation, the first system turn becomes `system`, the last user turn
`instruction`, and an assistant turn at the very end `truth`. All other turns are the `history`, in their order:

    system, user, assistant, user, assistant      history: user, assistant
    user, assistant (calls a tool), tool, assistant   history: HERE, assistant, tool

Where turns stand between the question and its answer, the turn HERE marks the question's place in the history. It is a
user turn without text and payload. Without that mark the question follows the whole history.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from polydistill.engine.files.decode import encodable

Turn = dict[str, str | None]
"""One turn with the fields of `schema.HISTORY`."""

Message = dict[str, object]
"""A chat message, {"role", "content", ...}. Further keys are those that its row came with, of any kind."""

HERE: Turn = {"role": "user", "content": None, "payload": None}

_ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatbot", "chatgpt"), "assistant"),
    **dict.fromkeys(("function_call", "tool_call"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "function_response", "tool_response"), "tool"),
}
# Names that say no more than ours. Any other name stays in the payload.
_SYNONYMS = {"human", "prompter", "gpt", "model", "bot", "chatbot", "chatgpt", "developer"}
_ROLE_KEYS = ("role", "from", "speaker")
_TEXT_KEYS = ("content", "value", "text")
_PAIR = {"system": "system", "input": "user", "output": "assistant"}
_OWN = {"role", "content", "payload"}  # of a turn in our own tables, `schema.HISTORY`
_CALLS = ("tool_calls", "function_call", "role")


class Unusable(Exception):
    """A conversation that a row cannot hold; the argument is the reason that the row is dropped for."""


@dataclass(frozen=True)
class Conversation:
    """A conversation as a row's columns."""

    system: str | None
    history: list[Turn] | None
    instruction: str
    truth: str | None
    lost: tuple[str, ...] = field(default=(), compare=False)  # keys of the question and answer that a row cannot hold


def read_conversation(value: Any) -> Conversation:
    """The columns of a list of messages: [{"role": "user", "content": "Hi"}, ...], [{"from": "human", "value": "Hi"}].

    Raises:
        Unusable: "bad_conversation", "unknown_role", "no_user_turn", "media" (a picture or sound in a turn),
            "answer_is_a_call" (the last turn calls a tool), "wrong_type" or "bad_utf8".
    """
    turns = read_turns(value)
    system = None
    if turns and turns[0]["role"] == "system" and turns[0]["payload"] is None:
        system, turns = turns[0]["content"], turns[1:]
    asked = max((i for i, turn in enumerate(turns) if turn["role"] == "user"), default=None)
    if asked is None or turns[asked]["content"] is None:
        raise Unusable("no_user_turn")
    question, after = turns[asked], turns[asked + 1 :]
    answer = after.pop() if after and after[-1]["role"] == "assistant" else None
    lost = _keys(question)
    if answer is not None:
        if answer["content"] is None or any(key in _CALLS for key in _keys(answer)):
            raise Unusable("answer_is_a_call")
        lost += _keys(answer)
    history = turns[:asked] + ([HERE, *after] if after else [])
    truth = answer["content"] if answer is not None else None
    return Conversation(system, history or None, str(question["content"]), truth, lost)


def read_turns(value: Any) -> list[Turn]:
    """Turns with the fields of `schema.HISTORY`, from a list of messages, or of pairs of question and answer.

    A pair is a list of two texts, or an object with `input`, `output` and perhaps `system` (XTuner, Capybara).

    Raises:
        Unusable: see `read_conversation`.
    """
    if isinstance(value, str):  # a cell of a CSV file
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError) as error:
            raise Unusable("bad_conversation") from error
    if not isinstance(value, list):
        raise Unusable("bad_conversation")
    turns: list[Turn] = []
    for item in value:
        if isinstance(item, list):
            if len(item) != 2:
                raise Unusable("bad_conversation")
            turns += [_turn({"role": role, "content": text}) for role, text in zip(("user", "assistant"), item)]
        elif isinstance(item, dict) and {"input", "output"} <= item.keys() and not item.keys() & {*_ROLE_KEYS}:
            rest = {key: text for key, text in item.items() if key not in _PAIR}
            pair = [{"role": role, "content": item[key]} for key, role in _PAIR.items() if item.get(key)]
            turns += [_turn(one if one["role"] != "assistant" else rest | one) for one in pair]
        else:
            turns.append(_turn(item))
    return turns


def messages(
    system: str | None, history: list[Turn] | None, instruction: str, input: str = "", answer: str | None = None
) -> list[Message]:
    """A row as a list of chat messages, the reverse of `read_conversation`; payloads become keys of their message.

    Args:
        system: system prompt, null for none.
        history: the other turns, see the module.
        instruction: the question.
        input: what the question is about; it stands below the question.
        answer: an answer, which becomes the last message; null for none.

    Returns:
        Messages {"role", "content", ...}.
    """
    question: Message = {"role": "user", "content": f"{instruction}\n\n{input}" if input else instruction}
    turns: list[Message] = [] if system is None else [{"role": "system", "content": system}]
    placed = False
    for turn in history or []:
        here = turn == HERE
        placed = placed or here
        turns.append(question if here else _message(turn))
    if not placed:
        turns.append(question)
    return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]


def _message(turn: Turn) -> Message:
    payload = json.loads(turn["payload"]) if turn["payload"] else {}
    return {"role": turn["role"], "content": turn["content"]} | payload


def _turn(item: Any) -> Turn:
    if not isinstance(item, dict):
        raise Unusable("bad_conversation")
    rest = {key: value for key, value in item.items() if value not in (None, "", [], {})}
    if item.keys() == _OWN and isinstance(rest.get("payload"), str):
        rest |= _object(rest.pop("payload"))
    spelled = next((rest.pop(key) for key in _ROLE_KEYS if key in rest), None)
    content = next((rest.pop(key) for key in _TEXT_KEYS if key in rest), None)
    if not isinstance(spelled, str):
        raise Unusable("bad_conversation")
    role = _ROLES.get(spelled.lower())
    if role is None:
        raise Unusable("unknown_role")
    if spelled.lower() != role and spelled.lower() not in _SYNONYMS:
        rest["role"] = spelled
    if isinstance(content, list):
        content, rest = _parts(content, rest)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        content = str(content)
    elif content is not None and not isinstance(content, str):
        raise Unusable("wrong_type")
    payload = json.dumps(rest, ensure_ascii=False) if rest else None
    if not encodable((content or "") + (payload or "")):
        raise Unusable("bad_utf8")
    return {"role": role, "content": content, "payload": payload}


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable("bad_conversation") from error
    if not isinstance(value, dict):
        raise Unusable("bad_conversation")
    return value


def _parts(parts: list[Any], rest: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Content that is a list of parts, as text; the list itself stays in the payload where it says more."""
    found = [part.get("text") if isinstance(part, dict) else part for part in parts]
    texts = [text for text in found if isinstance(text, str)]
    if len(texts) < len(found):
        raise Unusable("media")
    plain = len(parts) == 1 and (isinstance(parts[0], str) or parts[0].keys() <= {"type", "text"})
    return "".join(texts), rest if plain else rest | {"content": parts}


def _keys(turn: Turn) -> tuple[str, ...]:
    keys = json.loads(turn["payload"]) if turn["payload"] else {}
    return tuple(key for key in keys if key != "content")  # whose text the turn has
