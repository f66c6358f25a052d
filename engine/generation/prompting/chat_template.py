"""A tokenizer's own chat template, with its oddities made up for or named.

- A template that refuses a system turn (Gemma) gets the system text before the first question.
- A template that writes today's date gets a fixed one: the tokens of a run may not change at midnight.
- What a template cannot do at all is a UserError in one sentence.
"""

import functools
import re
from collections.abc import Mapping

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Conversation, Message
from polydistill.engine.generation.prompting.encoder import control_texts
from polydistill.engine.generation.prompting.templates import Rendered
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.text.patterns import any_of

DATE = {"%d": "26", "%-d": "26", "%b": "Jul", "%B": "July", "%m": "07", "%y": "24", "%Y": "2024", "%A": "Friday"}
"""The date that templates see: Llama 3.1's own default."""
_WAY_OUT = "Use `prompt: alpaca` or `raw`, or give the tokenizer another chat template"
_MARKERS = re.compile(r"\{%-?\s*generation\s*-?%\}")
_QUESTION, _ANSWER, _SYSTEM = "POLYDISTILLQUESTION", "POLYDISTILLANSWER", "POLYDISTILLSYSTEM"


class ChatTemplate:
    """The chat template of a tokenizer, with fixed template arguments."""

    bare: bool = False

    def __init__(self, tokenizer: Tokenizer, arguments: Mapping[str, object] | None = None) -> None:
        """Take the template of `tokenizer`; `arguments` are `student.template`, e.g. {"enable_thinking": False}.

        Raises:
            UserError: the tokenizer has no chat template, or has several and none is the default.
        """
        self._tokenizer, self._arguments = tokenizer, dict(arguments or {})
        self._name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        try:
            source = tokenizer.get_chat_template()
        except ValueError as error:
            message = f"{self._name}: the tokenizer has no chat template. Use `prompt: alpaca` or `raw`"
            raise UserError(message) from error
        self.dated = "strftime_now" in source
        self.source = _fixed_date() + source if self.dated else source
        self._control = any_of(control_texts(tokenizer))
        self._marked = bool(_MARKERS.search(source))
        self.has_system = self._takes_system()

    def prompt(self, messages: Conversation) -> str:
        """See `templates.Renderer`."""
        return self._text(messages, opens=True)

    def whole(self, messages: Conversation) -> Rendered:
        """See `templates.Renderer`. What the template writes behind the end of the last turn is left out."""
        text, start = self._text(messages), self.prompt(messages[:-1])
        if not text.startswith(start):
            raise UserError(
                f"{self._name}: the chat template opens the assistant's turn with {_end_of(start, text)!r}, which it "
                f"leaves out of a conversation with an answer, so training would differ from generation. {_WAY_OUT}, "
                "or set `student.template` (e.g. {enable_thinking: false})"
            )
        text, end = self._cut(text)
        written = self._marks(messages) if self._marked else self._earlier(messages, text)
        written = [(a, b) for a, b in written if a < len(start)] + self._last(written, len(start), len(text))
        return Rendered(text, len(start), end, tuple(written), closed=bool(self._closing[1]))

    def _last(self, written: list[tuple[int, int]], start: int, length: int) -> list[tuple[int, int]]:
        """The range of the last answer and the end of its turn, which is learned in any case."""
        if not self._marked:
            return [(start, length)]
        begins = [max(a, start) for a, b in written if b > start]
        if not begins:
            raise UserError(f"{self._name}: the chat template's generation markers leave out the answer. {_WAY_OUT}")
        return [(begins[0], length)]

    @functools.cached_property
    def _closing(self) -> tuple[str, str]:
        """What the template writes behind the last answer, and the part of it that ends the turn: its first control
        token, and what stands before that ("" where there is none)."""
        text = self._text([Message("user", _QUESTION), Message("assistant", _ANSWER)])
        _, found, behind = text.rpartition(_ANSWER)
        if not found:
            raise UserError(f"{self._name}: the chat template leaves out the assistant's turn. {_WAY_OUT}")
        mark = self._control.search(behind)
        return behind, behind[: mark.end()] if mark else ""

    def _cut(self, text: str) -> tuple[str, int]:
        """A conversation's text without what stands behind the end of its last turn; where the last answer ends."""
        behind, closing = self._closing
        if not text.endswith(behind):
            raise UserError(f"{self._name}: the chat template ends turns in different ways. {_WAY_OUT}")
        end = len(text) - len(behind)
        return text[:end] + closing, end

    def _earlier(self, messages: Conversation, text: str) -> list[tuple[int, int]]:
        """Ranges of the earlier assistant turns, by comparing beginnings."""
        ranges = []
        for i, turn in enumerate(messages[:-1]):
            if turn.role == "assistant":
                before, after = self.prompt(messages[:i]), self._cut(self._text(messages[: i + 1]))[0]
                if text.startswith(before) and text.startswith(after):  # otherwise it is not as the model wrote it
                    ranges.append((len(before), len(after)))
        return ranges

    def _marks(self, messages: Conversation) -> list[tuple[int, int]]:
        """Ranges between {% generation %} and {% endgeneration %}."""
        from transformers.utils.chat_template_utils import render_jinja_template

        _, ranges = render_jinja_template(
            conversations=[self._turns(messages)],
            chat_template=self.source,
            return_assistant_tokens_mask=True,
            **self._tokenizer.special_tokens_map,
            **self._arguments,
        )
        return [(start, end) for start, end in ranges[0]]

    def _text(self, messages: Conversation, opens: bool = False) -> str:
        try:
            return self._tokenizer.apply_chat_template(
                self._turns(messages),
                chat_template=self.source,
                tokenize=False,
                add_generation_prompt=opens,
                **self._arguments,
            )
        except Exception as error:  # a template is a program: it may raise whatever it likes
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{self._name}: the chat template fails ({text[:200]}). {_WAY_OUT}") from error

    def _turns(self, messages: Conversation) -> list[dict[str, str]]:
        turns = list(messages)
        if turns[0].role == "system" and len(turns) > 1 and not self.has_system:
            turns = [Message(turns[1].role, f"{turns[0].content}\n\n{turns[1].text}"), *turns[2:]]
        return [{"role": turn.role, "content": turn.text} for turn in turns]

    def _takes_system(self) -> bool:
        self.has_system = True
        try:
            return _SYSTEM in self.prompt([Message("system", _SYSTEM), Message("user", _QUESTION)])
        except UserError:
            return False


def may_think(source: str, arguments: Mapping[str, object]) -> bool:
    """Whether a template leaves it to the model to think before it answers, and `arguments` do not say."""
    return "enable_thinking" in source and "enable_thinking" not in arguments


def _fixed_date() -> str:
    """A macro that hides the template engine's clock. `{{ '' }}` keeps the line break that may follow."""
    replaced = "".join(f"|replace('{code}', '{text}')" for code, text in DATE.items())
    return "{%- macro strftime_now(format) -%}{{ format" + replaced + " }}{%- endmacro -%}{{ '' }}"


def _end_of(prompt: str, whole: str) -> str:
    """The end of the prompt that the whole conversation does not have."""
    same = next((i for i, (a, b) in enumerate(zip(prompt, whole)) if a != b), min(len(prompt), len(whole)))
    return prompt[same:][-80:]
