"""One rendering: the token ids of prompts and of samples, for generation, training and evaluation alike.

    prompt   begin token, system text, earlier turns, question, and what the template opens the answer with
    sample   the same ids, then the answer and the end of the turn

A sample's ids begin with its prompt's ids: a model is trained on what it is asked.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Conversation, Message, answered
from polydistill.engine.generation.prompting.encoder import Encoded, Encoder, Hidden
from polydistill.engine.generation.prompting.templates import Bare, Rendered, Renderer, Template, renderer
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.text.reasoning import is_mark


@dataclass(frozen=True)
class Sample:
    """A conversation with its answer as token ids."""

    ids: list[int]
    prompt: int  # ids before the last answer; what follows is that answer and the end of its turn
    learned: list[bool]  # by id: whether the model writes it, in this answer or in an earlier assistant turn


@dataclass(frozen=True)
class Reading:
    """How generated tokens are read."""

    ends: frozenset[int] = frozenset()  # ids that end an answer
    control: tuple[str, ...] = ()  # see `reasoning_control`

    @property
    def settings(self) -> dict[str, object]:
        """vLLM's sampling parameters for it."""
        ends = {"stop_token_ids": sorted(self.ends)} if self.ends else {}
        return ends | ({"skip_special_tokens": False} if self.control else {})


def reasoning_control(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Texts of the tokenizer's control tokens, longest first, where some of them mark reasoning; otherwise none.

    An engine leaves control tokens out of the text that it returns. Where they say what is reasoning and what is the
    answer (gpt-oss, Magistral, Gemma 4), the two would become one text.
    """
    control = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    return tuple(sorted(control, key=len, reverse=True)) if any(map(is_mark, control)) else ()


class PromptTokens:
    """Token ids of conversations in one template."""

    def __init__(self, tokenizer: Tokenizer, template: Template, arguments: Mapping[str, object] | None = None) -> None:
        """Prepare a template for a tokenizer.

        Args:
            tokenizer: A fast tokenizer of transformers.
            template: `student.prompt`.
            arguments: `student.template`, handed to the chat template.

        Raises:
            UserError: the tokenizer has no chat template where one is asked for, or is no fast tokenizer.
        """
        self._encoder, self._tokenizer = Encoder(tokenizer), tokenizer
        self._end = tokenizer.eos_token_id
        self._name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        self.renderer = renderer(template, tokenizer, arguments)

    def prompt_ids(self, prompts: Sequence[Conversation], bare: bool = False) -> list[list[int]]:
        """Ids of each prompt, a conversation whose last turn is the user's; `bare` sets no template around it."""
        chosen = Bare() if bare else self.renderer
        begin = self._begin(chosen)
        return [begin + head for head in self._heads(chosen, [self._encoder.hide(prompt) for prompt in prompts])]

    def sample_ids(self, conversations: Sequence[Conversation]) -> list[Sample]:
        """Ids of each conversation, whose last turn is the assistant's, and what of them is learned."""
        hidden = [self._encoder.hide(messages) for messages in conversations]
        marks = [h.marks for h in hidden]
        wholes = [self.renderer.whole(h.messages) for h in hidden]
        spans = any(whole.written != ((whole.start, len(whole.text)),) for whole in wholes)
        heads = self._encoder.encode([w.text[: w.start] for w in wholes], marks, offsets=spans)
        found = self._encoder.encode([w.text for w in wholes], marks, offsets=spans)
        return [self._sample(*parts) for parts in zip(heads, found, wholes, hidden)]

    def answer_ids(self, prompt: Conversation, answers: Sequence[str], bare: bool = False) -> list[list[int]]:
        """Ids of each answer as it stands behind the prompt, without the end of its turn."""
        chosen = Bare() if bare else self.renderer
        hidden = [self._encoder.hide(answered(prompt, answer)) for answer in answers]
        wholes = [chosen.whole(h.messages) for h in hidden]
        texts = [whole.text[: whole.end] for whole in wholes]
        head = self._heads(chosen, [self._encoder.hide(prompt)])[0]
        found = self._encoder.encode(texts, [h.marks for h in hidden])
        return [
            self._tail(head, one, text[whole.start :], h.marks)
            for one, text, whole, h in zip(found, texts, wholes, hidden)
        ]

    @functools.cached_property
    def end_ids(self) -> frozenset[int]:
        """Ids that end an answer: the last token of a sample, and the tokenizer's end-of-text token."""
        (sample,) = self.sample_ids([[Message("user", "Which?"), Message("assistant", "This.")]])
        return frozenset({sample.ids[-1]} | ({self._end} if self._end is not None else set()))

    def reading(self, cut: bool) -> Reading:
        """How text that the model generates is read; `cut` says whether reasoning is cut off."""
        return Reading(self.end_ids, reasoning_control(self._tokenizer) if cut else ())

    def _heads(self, chosen: Renderer, hidden: Sequence[Hidden]) -> list[list[int]]:
        texts = [chosen.prompt(h.messages) for h in hidden]
        return [found.ids for found in self._encoder.encode(texts, [h.marks for h in hidden])]

    def _begin(self, chosen: Renderer) -> list[int]:
        return self._encoder.begin if chosen.bare else []

    def _sample(self, head: Encoded, found: Encoded, whole: Rendered, hidden: Hidden) -> Sample:
        begin, end = self._begin(self.renderer), list[int]()
        if not whole.closed:
            if self._end is None:
                raise UserError(f"{self._name}: the tokenizer names no end token (eos_token). Answers could not end")
            end = [self._end]
        tail = self._tail(head.ids, found, whole.text[whole.start :], hidden.marks)
        learned = [False] * len(head.ids) + [True] * len(tail)
        # Where answer and prompt melt into a token, the whole text has other tokens than the two by themselves.
        together = found.ids[: len(head.ids)] == head.ids
        for index, (first, last) in enumerate(found.offsets if together else head.offsets):
            learned[index] = any(first < stop and last > start for start, stop in whole.written)
        learned = [False] * len(begin) + learned + [True] * len(end)
        return Sample(begin + head.ids + tail + end, len(begin) + len(head.ids), learned)

    def _tail(self, head: list[int], whole: Encoded, text: str, marks: dict[str, str]) -> list[int]:
        """Ids behind the prompt: as one text where that leaves the prompt's ids as they are, otherwise by itself."""
        if whole.ids[: len(head)] == head:
            return whole.ids[len(head) :]
        return self._encoder.encode([text], [marks])[0].ids if text else []
