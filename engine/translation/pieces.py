"""Many texts as one table of pieces: cut once, put together in every language by Arrow.

Segmentation does not depend on the target language, so a text is cut once; putting a text together is a `take`
and a `join` over columns, whatever the number of texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.languages import get_language
from polydistill.engine.text.segment import GAP, SENTENCE, segment
from polydistill.engine.text.spans import mask
from polydistill.engine.translation.translator import SENTENCES, Portions


@dataclass(frozen=True)
class Sentence:
    """A distinct sentence of one source language."""

    text: str  # as the translator sees it: protected spans are marks
    source: str
    marks: tuple[tuple[str, str], ...]  # (mark, the span behind it)
    original: str


@dataclass(frozen=True)
class Pieces:
    """Distinct texts, each a run of piece numbers: below len(kept) a kept piece, above it a sentence."""

    offsets: np.ndarray  # int32 of shape (texts + 1,): where each text's run starts
    numbers: np.ndarray  # int32: the runs, one after the other
    kept: pa.StringArray  # distinct kept pieces and gaps
    sentences: list[Sentence]
    narrow: np.ndarray  # numbers of the kept pieces " " between sentences of a language with spaces
    wide: np.ndarray  # numbers of the kept pieces "" between sentences of a language without

    def join(self, hypotheses: pa.StringArray, target: str) -> pa.StringArray:
        """Put the texts together from the sentences' hypotheses; null where one of its sentences is null."""
        spaced = get_language(target).writing.space_between_sentences
        kept = _replace(self.kept, self.wide, " ") if spaced else _replace(self.kept, self.narrow, "")
        values = pa.concat_arrays([kept, hypotheses]).take(pa.array(self.numbers))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(self.offsets), values), "")

    def spread(self, bits: np.ndarray) -> np.ndarray:
        """Union of the sentences' bits over each text: shape (texts,) from (sentences,), unsigned integers."""
        if len(self.offsets) == 1:
            return np.zeros(0, dtype=bits.dtype)
        every = np.concatenate([np.zeros(len(self.kept), dtype=bits.dtype), bits])
        return np.bitwise_or.reduceat(every[self.numbers], self.offsets[:-1])

    def sentences_of(self, text: int) -> list[int]:
        """Indices of the sentences of one text."""
        run = self.numbers[self.offsets[text] : self.offsets[text + 1]] - len(self.kept)
        return run[run >= 0].tolist()


def cut(texts: Sequence[str], sources: Sequence[str], portions: Portions = SENTENCES) -> Pieces:
    """Cut distinct, non-empty texts; text i is written in language sources[i]."""
    offsets, runs = [0], []
    kept: dict[tuple[str, bool | None], int] = {}  # (piece, whether its language has spaces; None: no gap)
    sentences: dict[tuple[str, str], int] = {}
    found: list[Sentence] = []
    spaced = {source: get_language(source).writing.space_between_sentences for source in set(sources)}
    for text, source in zip(texts, sources):
        for piece, kind, spans in segment(text, source, portions.whole, portions.breaks):
            if kind == SENTENCE:
                number = sentences.setdefault((piece, source), len(sentences))
                if number == len(found):
                    hidden = [span for span in spans if piece[slice(*span)] not in portions.shown]
                    masked, marks = mask(piece, hidden) if hidden else (piece, ())
                    found.append(Sentence(masked, source, tuple(marks), piece))
                runs.append(~number)  # sentences' numbers follow the kept ones', whose count is not known yet
            else:
                key = (piece, spaced[source] if kind == GAP else None)
                runs.append(kept.setdefault(key, len(kept)))
        offsets.append(len(runs))
    numbers = np.array(runs, dtype=np.int32)
    numbers = np.where(numbers < 0, len(kept) + ~numbers, numbers)
    return Pieces(
        np.array(offsets, dtype=np.int32),
        numbers,
        pa.array([piece for piece, _ in kept], pa.string()),
        found,
        np.array([kept[" ", True]] if (" ", True) in kept else [], dtype=np.int64),
        np.array([kept["", False]] if ("", False) in kept else [], dtype=np.int64),
    )


def distinct(texts: pa.StringArray, sources: pa.StringArray) -> tuple[list[str], list[str], pa.Int32Array]:
    """Distinct (text, language) pairs and, for each row, the number of its pair; null where the text is empty."""
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    keys = pc.binary_join_element_wise(sources, texts, "\0").dictionary_encode()
    pairs = [key.split("\0", 1) for key in keys.dictionary.to_pylist()]
    return [text for _, text in pairs], [source for source, _ in pairs], keys.indices


def _replace(array: pa.StringArray, positions: np.ndarray, value: str) -> pa.StringArray:
    if not len(positions):
        return array
    here = np.zeros(len(array), dtype=bool)
    here[positions] = True
    return pc.if_else(pa.array(here), value, array)
