"""A prompt is a conversation: an optional system text, earlier turns, and the user's question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import pyarrow as pa

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class Message:
    """One turn. `payload` is a user turn's input, which templates set apart from the instruction in `content`."""

    role: Role
    content: str
    payload: str = ""

    @property
    def text(self) -> str:
        """Instruction and payload as one text, as chat templates get them."""
        return f"{self.content}\n\n{self.payload}" if self.payload else self.content


Conversation = Sequence[Message]


def conversation(
    instruction: str,
    payload: str = "",
    system: str | None = None,
    history: Sequence[Mapping[str, str | None]] | None = None,
) -> list[Message]:
    """The conversation of one row: the system text where there is one, the other turns, the question in its place.

    Args:
        instruction: The user's instruction.
        payload: The row's `input`, "" where it has none.
        system: The system text, None or "" where there is none.
        history: The other turns, as in `schema.HISTORY`. A user turn without text marks the question's place (see
            `engine.prompts.conversation`); without such a mark the question stands at the end.
    """
    question = Message("user", instruction, payload)
    places = [turn["role"] == "user" and turn["content"] is None for turn in history or ()]
    turns = [
        question if here else Message(cast(Role, turn["role"]), turn["content"] or "")
        for here, turn in zip(places, history or ())
    ]
    start = [Message("system", system)] if system else []
    return [*start, *turns] if any(places) else [*start, *turns, question]


def conversations(table: pa.Table) -> list[list[Message]]:
    """The conversations of PROMPT rows, or of any rows with such columns; `system` and `history` may be missing."""
    rows = table.num_rows
    columns = [table[name].to_pylist() for name in ("instruction", "input")]
    columns += [
        table[name].to_pylist() if name in table.column_names else [None] * rows for name in ("system", "history")
    ]
    return [conversation(instruction, payload or "", *rest) for instruction, payload, *rest in zip(*columns)]


def answered(prompt: Conversation, answer: str) -> list[Message]:
    """The conversation with the assistant's answer to it."""
    return [*prompt, Message("assistant", answer)]


def map_texts(messages: Conversation, change: Any) -> list[Message]:
    """The same turns with `change` (a function of a text) applied to each of their texts."""
    return [replace(turn, content=change(turn.content), payload=change(turn.payload)) for turn in messages]
