"""The prompt templates: what a conversation looks like as text.

Generation, training and evaluation render through these classes only (see `engine.generation.prompting.tokens`). A
template
gives two texts: the prompt, which ends where the model begins to write, and the whole conversation with the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Conversation, conversation
from polydistill.engine.generation.prompting.tokenizer import Tokenizer

Template = Literal["alpaca", "chat", "raw"]

_BELOW = "Below is an instruction that describes a task. "
_BELOW_INPUT = "Below is an instruction that describes a task, paired with an input that provides further context. "
_WRITE = "Write a response that appropriately completes the request."

STOPS: Mapping[Template, tuple[str, ...]] = {"alpaca": ("\n\n###", "\n\nBelow is"), "raw": (), "chat": ()}
"""Texts that end an answer: a base model goes on with the next question where its answer should end."""

SHOT_STOPS: Mapping[Template, tuple[str, ...]] = {**STOPS, "raw": ("\n\n",)}
"""Texts that end an answer behind solved examples, which have shown that another question follows."""


@dataclass(frozen=True)
class Rendered:
    """A whole conversation as text."""

    text: str
    start: int  # characters of the prompt, which the text begins with
    end: int  # where the last answer ends; behind it stands the end of its turn
    written: tuple[tuple[int, int], ...]  # character ranges that the model writes, the last answer's at the end
    closed: bool  # whether the text itself ends the last turn; otherwise the end-of-text token does


class Renderer(Protocol):
    """A prompt template."""

    @property
    def bare(self) -> bool:
        """Whether the tokenizer's begin token stands before the text; a chat template writes its own."""
        ...

    def prompt(self, messages: Conversation) -> str:
        """The text up to where the model begins to write. The last turn is the user's."""
        ...

    def whole(self, messages: Conversation) -> Rendered:
        """The text of a conversation whose last turn is the assistant's; it begins with `prompt` of the others."""
        ...


class Alpaca:
    """Stanford Alpaca's two prompts, with and without input. x-LLM and SDRRL train on them.

    A system text takes the place of the first sentences. Turns are joined by an empty line.
    """

    bare: bool = True

    def prompt(self, messages: Conversation) -> str:
        """See `Renderer`."""
        return self._parts(messages)[0]

    def whole(self, messages: Conversation) -> Rendered:
        """See `Renderer`."""
        text, written = self._parts(messages)
        return Rendered(text, written[-1][0], len(text), written, closed=False)

    def _parts(self, messages: Conversation) -> tuple[str, tuple[tuple[int, int], ...]]:
        system, text, written = "", "", []
        for turn in messages:
            if turn.role == "system":
                system = turn.content
            elif turn.role != "assistant":
                text += ("\n\n" if text else "") + self._question(turn.content, turn.payload, system)
                system = ""
            else:
                written.append((len(text), len(text) + len(turn.content)))
                text += turn.content
        return text, tuple(written)

    def _question(self, instruction: str, payload: str, system: str) -> str:
        start = system or (_BELOW_INPUT if payload else _BELOW) + _WRITE
        given = f"### Input:\n{payload}\n\n" if payload else ""
        return f"{start}\n\n### Instruction:\n{instruction}\n\n{given}### Response:\n"


class Raw(Alpaca):
    """Instruction and input, nothing else. A system text stands before the first question."""

    def _question(self, instruction: str, payload: str, system: str) -> str:
        return "\n\n".join(part for part in (system, instruction, payload) if part) + "\n"


class Bare(Alpaca):
    """The user's text is the whole prompt, without even a line break behind it (cloze questions)."""

    def _question(self, instruction: str, payload: str, system: str) -> str:
        return "\n\n".join(part for part in (system, instruction, payload) if part)


def render(template: Template, instruction: str, input: str = "", tokenizer: Tokenizer | None = None) -> str:
    """The text that stands before the answer to one question; `tokenizer` brings the chat template."""
    return renderer(template, tokenizer).prompt(conversation(instruction, input))


def renderer(
    template: Template, tokenizer: Tokenizer | None, arguments: Mapping[str, object] | None = None
) -> Renderer:
    """The prompt template of that name; `chat` is the tokenizer's own, with `student.template` as `arguments`.

    Raises:
        UserError: the tokenizer has no chat template.
    """
    if template == "alpaca":
        return Alpaca()
    if template == "raw":
        return Raw()
    from polydistill.engine.generation.prompting.chat_template import ChatTemplate

    if tokenizer is None:
        raise UserError("the template `chat` is a tokenizer's own. Name the model, or use `prompt: alpaca` or `raw`")
    return ChatTemplate(tokenizer, arguments)


def load_tokenizer(model: str, trust_remote_code: bool = False) -> Tokenizer:
    """The tokenizer of a Hugging Face folder or hub id.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        raise UserError(f"{model}: no tokenizer can be loaded from here ({str(error).splitlines()[0]})") from error
