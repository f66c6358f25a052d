"""What is noticed about a sentence's hypothesis, and how the notes of its sentences become those of a text."""

import re

import numpy as np
import pyarrow as pa

from polydistill.engine.schema import Note
from polydistill.engine.text.spans import numbers_lost
from polydistill.engine.translation.pieces import Pieces, Sentence
from polydistill.engine.translation.translator import Hypothesis

_NAMES = [str(note) for note in Note if note is not Note.ERROR]
_BIT = {note: 1 << position for position, note in enumerate(_NAMES)}
_ERROR = 1 << len(_NAMES)
_DIGIT = re.compile(r"\d")


def noticed(sentence: Sentence, hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis with the notes EMPTY and NUMBER_LOST where they are due."""
    text, notes = hypothesis.text, hypothesis.notes
    if text is None:
        return hypothesis
    if text == "":
        notes = (*notes, Note.EMPTY)
    if _DIGIT.search(sentence.original) and numbers_lost(sentence.original, text):
        notes = (*notes, Note.NUMBER_LOST)
    others = tuple(noticed(sentence, other) for other in hypothesis.others)
    return Hypothesis(text, notes, others)


def notes_of_texts(pieces: Pieces, hypotheses: list[Hypothesis]) -> pa.Array:
    """Each text's notes: the union of its sentences' notes in the order of `Note`, after the first error message.

    Args:
        pieces: the texts, cut.
        hypotheses: one for each of `pieces.sentences`.

    Returns:
        list of string, of shape (texts,).
    """
    bits = np.zeros(len(hypotheses), np.uint32)
    for number, hypothesis in enumerate(hypotheses):
        for note in hypothesis.notes:
            bits[number] |= _BIT.get(note, _ERROR)
    of_text = pieces.spread(bits)
    masks, index = np.unique(of_text, return_inverse=True)
    lists = [[note for note in _NAMES if mask & _BIT[note]] for mask in masks.tolist()]
    index = index.astype(np.int32)
    for text in np.flatnonzero(of_text & _ERROR).tolist():  # messages differ from text to text
        said = [n for number in pieces.sentences_of(text) for n in hypotheses[number].notes if n not in _BIT]
        index[text] = len(lists)
        lists.append([said[0], *lists[int(np.searchsorted(masks, of_text[text]))]])
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(index))
