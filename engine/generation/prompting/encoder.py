"""From text to token ids, where a row's text stays data.

"</s>" in a question becomes the pieces of those four characters and never the control token; "</s>" that the template
writes is the control token. A row without such text, nearly every one, is tokenized by the tokenizer as it is.

For the others there is a twin of the tokenizer in which every control token has a secret spelling. While a template
is applied, control texts of the row are hidden behind private-use characters. Whatever control text the result then
holds is the template's, and gets the secret spelling; then the row's own texts are put back, and the twin tokenizes.
"""

import functools
import json
import re
import secrets
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Conversation, Message, map_texts
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.text.patterns import any_of

_PRIVATE = range(0xF0000, 0xFFFFE)


@dataclass(frozen=True)
class Encoded:
    """Token ids of a text, and the range of characters of each token."""

    ids: list[int]
    offsets: list[tuple[int, int]]


@dataclass(frozen=True)
class Hidden:
    """A conversation with control texts as single private-use characters, and what these stand for."""

    messages: list[Message]
    marks: dict[str, str]


class Encoder:
    """Token ids by a fast tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a tokenizer of transformers.

        Raises:
            UserError: it is not a fast one (tokenizer.json).
        """
        name = getattr(tokenizer, "name_or_path", "") or "the tokenizer"
        if not getattr(tokenizer, "is_fast", False):
            raise UserError(f"{name}: is not a fast tokenizer (tokenizer.json). Convert it with transformers first")
        self.tokenizer = tokenizer
        self._control = control_texts(tokenizer)
        self._pattern = any_of(self._control)

    @functools.cached_property
    def begin(self) -> list[int]:
        """Ids that the tokenizer puts before every text by itself; [] for many."""
        plain = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        full = self.tokenizer("a", add_special_tokens=True)["input_ids"]
        for start in range(len(full) - len(plain) + 1):
            if full[start : start + len(plain)] == plain:
                return full[:start]
        return []

    def hide(self, messages: Conversation) -> Hidden:
        """Hide control texts of the rows' own behind private-use characters that the texts do not use."""
        if not any(self._pattern.search(text) for turn in messages for text in (turn.content, turn.payload)):
            return Hidden(list(messages), {})
        used = {character for turn in messages for character in turn.content + turn.payload}
        free = (chr(code) for code in _PRIVATE if chr(code) not in used)
        signs: dict[str, str] = {}

        def sign(found: re.Match[str]) -> str:
            if found[0] not in signs:
                signs[found[0]] = next(free)
            return signs[found[0]]

        hidden = map_texts(messages, lambda text: self._pattern.sub(sign, text))
        return Hidden(hidden, {character: text for text, character in signs.items()})

    def encode(self, texts: Sequence[str], marks: Sequence[dict[str, str]], offsets: bool = False) -> list[Encoded]:
        """Ids of the texts, without the tokenizer's begin and end tokens.

        Args:
            texts: Texts, in which the keys of their `marks` stand for hidden control texts (see `hide`).
            marks: What the private-use characters of each text stand for; {} for nearly all.
            offsets: Whether the tokens' ranges of characters (in `texts`) are wanted as well.
        """
        results: list[Encoded] = [Encoded([], [])] * len(texts)
        usual = [i for i, hidden in enumerate(marks) if not hidden]
        if usual:
            found = self.tokenizer(
                [texts[i] for i in usual],
                add_special_tokens=False,
                return_attention_mask=False,
                return_offsets_mapping=offsets,
            )
            for index, i in enumerate(usual):
                results[i] = Encoded(found["input_ids"][index], found["offset_mapping"][index] if offsets else [])
        for i, hidden in enumerate(marks):
            if hidden:
                results[i] = self._twin.encode(texts[i], hidden)
        return results

    @functools.cached_property
    def _twin(self) -> "_Twin":
        return _Twin(self.tokenizer, self._control)


def control_texts(tokenizer: Tokenizer) -> list[str]:
    """Texts that the tokenizer would turn into control tokens, longest first."""
    added = [str(token) for token in tokenizer.get_added_vocab() if re.fullmatch(r"<.+>|\[.+\]", str(token))]
    return sorted({*added, *tokenizer.all_special_tokens} - {""}, key=lambda text: (-len(text), text))


class _Twin:
    """The same tokenizer with control tokens spelled in a way that no row can know."""

    def __init__(self, tokenizer: Tokenizer, control: Sequence[str]) -> None:
        from tokenizers import AddedToken, Tokenizer

        described = json.loads(tokenizer.backend_tokenizer.to_str())
        added = sorted(described["added_tokens"], key=lambda token: token["id"])
        described |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
        self._backend = Tokenizer.from_str(json.dumps(described))
        secret = secrets.token_hex(8)
        self._spelling = {text: f"\U000f0000{secret}.{index}\U000f0001" for index, text in enumerate(control)}
        self._break = f"\U000f0000{secret}.break\U000f0001"
        self._number: dict[int, int | None] = {}
        for token in [*added, {"content": self._break, "id": None}]:
            text = self._spelling.get(token["content"], token["content"])
            sides = {key: bool(token.get(key)) for key in ("single_word", "lstrip", "rstrip")}
            self._backend.add_tokens([AddedToken(text, **sides, normalized=False, special=False)])
            number = self._backend.token_to_id(text)
            assert number is not None  # just added
            self._number[number] = token["id"]
        self._forbidden = {tokenizer.convert_tokens_to_ids(text) for text in control}
        self._control = any_of(control)

    def encode(self, text: str, marks: dict[str, str]) -> Encoded:
        """Ids of a text in which private-use characters stand for `marks`."""
        found, moved = self._tokens(text, marks)
        if any(number in self._forbidden and number not in self._number for number in found.ids):
            # The model's own vocabulary holds a control text as a piece (Unigram): break those texts up.
            broken = {sign: mark[0] + self._break + mark[1:] for sign, mark in marks.items()}
            found, moved = self._tokens(text, broken)
        ids, offsets = [], []
        for number, (start, end) in zip(found.ids, found.offsets):
            real = self._number.get(number, number)
            if real is not None:
                ids.append(real)
                offsets.append((moved.back(start, inside=1), moved.back(end)))
        return Encoded(ids, offsets)

    def _tokens(self, text: str, marks: dict[str, str]) -> tuple[Any, "_Moved"]:
        pattern = re.compile(f"{self._control.pattern}|{any_of([*marks]).pattern}")
        pieces, starts, sources, end, length = [], [0], [0], 0, 0
        for match in pattern.finditer(text):
            new = marks.get(match[0]) or self._spelling[match[0]]
            pieces += [text[end : match.start()], new]
            length += match.start() - end + len(new)
            end = match.end()
            starts.append(length)
            sources.append(end)
        pieces.append(text[end:])
        return self._backend.encode("".join(pieces), add_special_tokens=False), _Moved(starts, sources)


@dataclass(frozen=True)
class _Moved:
    """Where the characters of a changed text stood before: piece i began at `starts[i]`, from `sources[i]`."""

    starts: list[int]
    sources: list[int]

    def back(self, position: int, inside: int = 0) -> int:
        """The position before; what stands in a replaced text stood `inside` of (1: in) the one that it replaced."""
        piece = bisect_right(self.starts, position) - 1
        before = self.sources[piece] + position - self.starts[piece]
        return min(before, self.sources[piece + 1] - inside) if piece + 1 < len(self.sources) else before
