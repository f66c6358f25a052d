"""Cut a text into what a sentence translator may see and what must stay as it is.

NLLB translates sentences: given a paragraph it drops some of them (fairseq#5108), and it rewrites code and tables.
So a text becomes *pieces*: sentences to translate, gaps between sentences of a line, and everything else (line
breaks, list markers, table bars, code, lines without words) to keep. The pieces, joined, are the text.
"""

import functools
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import regex
import sentencex

from polydistill.engine.languages import get_language
from polydistill.engine.text.code_lines import code_lines
from polydistill.engine.text.spans import find
from polydistill.engine.text.whole_code import whole_code

KEEP, SENTENCE, GAP = 0, 1, 2
"""Kinds of piece: kept as it is; translated; white space (or nothing) between two sentences of one line."""


class Piece(NamedTuple):
    """A part of a text."""

    text: str
    kind: int
    spans: tuple[tuple[int, int], ...] = ()  # protected parts of a sentence: start and end in `text`


Split = Callable[[str], Iterator[Piece]]  # a line's text -> its sentences and gaps

_BLOCK = re.compile(
    r"```.*?(?:```|\Z)|^~~~.*?(?:^~~~|\Z)"  # fenced code; an open fence (a cut answer) reaches to the end
    r"|\$\$(?:(?!\n\n).)+?\$\$|\\\[(?:(?!\n\n|\\[\[\]]).)++\\\]|\\begin\{(?P<name>\w+\*?)\}.*?(?:\\end\{(?P=name)\}|\Z)"
    r"|<(?P<tag>script|style|pre)\b.*?(?:</(?P=tag)>|\Z)|<!--.*?(?:-->|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_BREAK = re.compile(r"(\r\n|[\n\r\v\f\x85\u2028\u2029])")
_BULLET = r"[•‣◦▪●○■✓✔➢]|(?:[-*+–—·]|#{1,6}|>+|\[[ xX]\])(?=\s)"
_NUMBER = r"(?:\(?\d{1,3}[.)]|\(?[a-zA-Z]\)|[A-H]\.|[ivxIVX]{1,4}[.)])(?=\s)"
_MARKER = re.compile(rf"(?:\s*(?:{_BULLET}|{_NUMBER}))*\s*")
_BOLD = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+)(\1)(\s*[:：]?\s*)")  # "**Label:** ", as chat models write
_CELLS = re.compile(r"((?:(?<!\s)\s++)?\|\s*|\t+| {3,})")
_WORD = re.compile(r"[^\W\d_]")
_LABEL = re.compile(r"\W*[A-Za-z]\d*\W*")  # "B)", "Q2.": a letter and digits name something, they are no word


def segment(text: str, language: str, whole: int = 0, breaks: bool = False) -> list[Piece]:
    """The pieces of `text`, in order; joined, their texts are `text`.

    Args:
        text: one field of a row, any layout.
        language: FLORES-200 code of the language it is written in; decides where sentences end.
        whole: lines and cells of up to this many characters are not cut into sentences.
        breaks: texts of up to that many characters are not cut into lines either, where they hold no code or table.
    """
    if whole_code(text):
        return [Piece(text, KEEP)]
    if breaks and len(text) <= whole and _prose(text):
        return _in_one(text)
    split = functools.partial(_sentences, locale=get_language(language).locale, whole=whole)
    pieces: list[Piece] = []
    end = 0
    for block in (
        _BLOCK.finditer(text) if "`" in text or "\\" in text or "<" in text or "$$" in text or "~~~" in text else ()
    ):
        pieces += _lines(text[end : block.start()], split)
        pieces.append(Piece(block[0], KEEP))
        end = block.end()
    pieces += _lines(text[end:] if end else text, split)
    return pieces


def _prose(text: str) -> bool:
    """Whether a text holds neither blocks nor lines of code, nor a table."""
    lines = _BREAK.split(text)[::2]
    return not (_BLOCK.search(text) or any(code_lines(lines)) or any(_table_lines(lines)))


def _in_one(text: str) -> list[Piece]:
    """A text as one sentence, and the white space around it."""
    body = text.strip()
    start = text.index(body)
    around = (Piece(text[:start], KEEP), Piece(text[start + len(body) :], KEEP))
    return [piece for piece in (around[0], _sentence(body, tuple(find(body))), around[1]) if piece.text]


def _lines(text: str, split: Split) -> Iterator[Piece]:
    if not text:
        return
    parts = _BREAK.split(text)  # line, break, line, ...
    lines = parts[::2]
    code, table = code_lines(lines), _table_lines(lines)
    for index, line in enumerate(lines):
        if code[index]:
            yield Piece(line, KEEP)
        elif table[index]:
            for number, cell in enumerate(_CELLS.split(line)):
                if number % 2:
                    yield Piece(cell, KEEP)
                else:
                    yield from _content(cell, split)
        else:
            yield from _content(line, split)
        if 2 * index + 1 < len(parts):
            yield Piece(parts[2 * index + 1], KEEP)


def _table_lines(lines: list[str]) -> list[bool]:
    """Lines with cells: framed by bars, as many bars as the line next to them, or columns set by tabs or wide gaps."""
    bars = [line.count("|") for line in lines]
    around = [0, *bars, 0]
    return [
        (count > 1 and line.lstrip().startswith("|"))
        or (count > 0 and count in (around[index], around[index + 2]))
        or ("\t" in line.strip() or "   " in line.strip())
        for index, (line, count) in enumerate(zip(lines, bars))
    ]


def _content(line: str, split: Split) -> Iterator[Piece]:
    """A line or a cell: its list marker, its sentences, its trailing space."""
    marker = _MARKER.match(line)
    start = marker.end() if marker else 0
    stop = len(line.rstrip())
    if stop <= start or not _WORD.search(line, start):
        if line:
            yield Piece(line, KEEP)
        return
    bold = _BOLD.match(line, start, stop) if line.startswith(("**", "__"), start) else None
    if bold:
        yield Piece(line[: start + 2], KEEP)
        yield from split(bold[2])
        yield Piece(bold[3] + bold[4], KEEP)
        start = bold.end()
    elif start:
        yield Piece(line[:start], KEEP)
    if start < stop:
        yield from split(line[start:stop])
    if stop < len(line):
        yield Piece(line[stop:], KEEP)


def _sentences(body: str, locale: str, whole: int) -> Iterator[Piece]:
    spans = find(body)
    start = 0
    left = deque(spans)
    for part in [body] if len(body) <= whole else _split(_shadow(body, spans), locale):
        stop = start + len(part)
        core = start + len(part.rstrip())
        inside = []
        while left and left[0][0] < stop:
            first, last = left.popleft()
            inside.append((first - start, last - start))
        yield _sentence(body[start:core], tuple(inside))
        if stop < len(body) or core < stop:
            yield Piece(body[core:stop], GAP)
        start = stop


def _shadow(body: str, spans: list[tuple[int, int]]) -> str:
    """The text with letters in place of its spans: the full stops of an address end no sentence."""
    parts, end = [], 0
    for start, stop in spans:
        parts += [body[end:start], "X" * (stop - start)]
        end = stop
    return "".join(parts) + body[end:]


# sentencex takes quadratic time where sentences follow each other without a space: give it 4,000 characters and the
# rest of the last sentence at a time.
_STRETCH = re.compile(r".{4000}.*?(?:[。！？]|[.!?]\s+)|.+", re.DOTALL)
_SHAD = re.compile(r"(?<=[។៕།༎]\s)(?=\S)")  # Khmer's and Tibetan's full stops, which sentencex does not know


def _split(text: str, locale: str) -> Iterator[str]:
    for stretch in [text] if len(text) <= 4000 else _STRETCH.findall(text):
        for part in sentencex.segment(locale, stretch):
            yield from _SHAD.split(part)


def outside(piece: Piece) -> str:
    """A sentence's text without its protected spans."""
    parts, end = [], 0
    for start, stop in piece.spans:
        parts.append(piece.text[end:start])
        end = stop
    return "".join(parts) + piece.text[end:]


def _sentence(text: str, spans: tuple[tuple[int, int], ...]) -> Piece:
    sentence = Piece(text, SENTENCE, spans)
    words = outside(sentence)
    return Piece(text, KEEP) if not _WORD.search(words) or _LABEL.fullmatch(words) else sentence


_SAFE = (
    re.compile(r"(?<=[;:。！？；：!?])\s*|(?<=\.)\s+|\s+[–—]\s+"),  # between clauses
    re.compile(r"(?<=[,，、،])\s*(?!\d)"),
    re.compile(r"\s+"),
    regex.compile(r"(?<=[^\s\u200d])(?=[^\s\u200d\p{M}])"),  # anywhere, in a text without spaces
)


def halves(text: str) -> tuple[str, str, str]:
    """Cut a sentence that is too long for the model near its middle: (left, white space between, right).

    The cut is at the best kind of safe point within the middle half: after a clause, after a comma, at a space;
    only a text without any of them is cut between two characters (never before a combining mark).
    """
    middle, reach = len(text) / 2, len(text) / 4
    for pattern in _SAFE:
        cuts = [match.span() for match in pattern.finditer(text) if abs(match.start() - middle) <= reach]
        cuts = [(start, stop) for start, stop in cuts if start > 0 and stop < len(text)]
        if cuts:
            start, stop = min(cuts, key=lambda cut: abs(cut[0] - middle))
            return text[:start], text[start:stop], text[stop:]
    cut = max(1, len(text) // 2)
    return text[:cut], "", text[cut:]
