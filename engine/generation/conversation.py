"""A prompt is a conversation: an optional system text, earlier turns, and the user's question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]


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
    instruction: str, payload: str = "", system: str = "", history: Sequence[Mapping[str, Any]] = ()
) -> list[Message]:
    """The conversation of one row: the system text where there is one, the earlier turns, the question.

    Args:
        instruction: The user's instruction.
        payload: The row's `input`, "" where it has none.
        system: The system text, "" where there is none.
        history: Earlier turns, each with `role`, `content` and an optional `payload`.
    """
    earlier = [Message(turn["role"], turn["content"], turn.get("payload") or "") for turn in history]
    start = [Message("system", system)] if system else []
    return [*start, *earlier, Message("user", instruction, payload)]


def answered(prompt: Conversation, answer: str) -> list[Message]:
    """The conversation with the assistant's answer to it."""
    return [*prompt, Message("assistant", answer)]


def map_texts(messages: Conversation, change: Any) -> list[Message]:
    """The same turns with `change` (a function of a text) applied to each of their texts."""
    return [replace(turn, content=change(turn.content), payload=change(turn.payload)) for turn in messages]
