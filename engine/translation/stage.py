"""Fan-out: every row's four texts into every target language, complete and with their layout.

A text is cut into pieces (`engine.text.segment`), distinct sentences are translated once per language, and the pieces
are put together again. Below this stage stands any *translator*: a callable (sentences, source languages,
target languages) -> (hypotheses, notes), such as `engine.translation.seq2seq.Seq2Seq` or the student itself.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from polydistill.engine.config import Translate
from polydistill.engine.languages import language_code
from polydistill.engine.schema import FIELDS, GENERATED, TRANSLATED
from polydistill.engine.text.spans import missing, numbers_lost, restore
from polydistill.engine.translation import marked_answers
from polydistill.engine.translation.pieces import Pieces, Sentence, cut, distinct

Translator = Callable[[list[str], list[str], list[str]], tuple[list[str | None], list[list[str]]]]

NOTES = ("truncated", "no_end", "empty", "span_lost", "span_split", "number_lost")
"""What is noticed about a sentence; "error: ..." beside these says why there is none, `answers.LOST` comes from there.

truncated: stopped at the token limit. no_end: stopped without the end token. empty: a sentence came back without a
word. span_lost: a protected span is missing. span_split: the model lost a span's mark, so the text around it was
translated in parts. number_lost: a number of the source is not in the hypothesis.
"""
_BIT = {note: np.uint8(1 << position) for position, note in enumerate(NOTES)}
_ERROR = np.uint8(1 << len(NOTES))


class TranslateStage:
    """GENERATED rows -> TRANSLATED rows for every target, target by target, rows in order within each.

    The result is a function of the table and the list of targets.
    """

    reads = tuple(GENERATED.names)
    writes = tuple(TRANSLATED.names)

    def __init__(
        self,
        translate: Translate,
        targets: list[str],
        device: str = "cpu",
        cache: str | None = None,
        translator: Translator | None = None,
    ) -> None:
        """Load the translator.

        Args:
            translate: the translator's configuration.
            targets: target languages, in any form that `engine.languages.language_code` knows.
            device: "cpu", "cuda" or "cuda:N".
            cache: where converted models are kept, see `engine.translation.conversion`.
            translator: used in place of the configured model.

        Raises:
            UserError: unknown language, model or device; see `engine.translation.seq2seq.Seq2Seq`.
        """
        self.targets = [language_code(target) for target in targets]
        self.mark_answers = translate.mark_answers
        self.translator = translator or load(translate, self.targets, device, cache)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Translate all rows into all targets; zero rows give zero rows."""
        rows = table.num_rows
        asked, extractive = marked_answers.mark_rows(table) if self.mark_answers else (table, None)
        texts = pa.concat_arrays(
            [chunk for field in FIELDS for chunk in asked[field].chunks] or [pa.array([], pa.string())]
        )
        sources = pa.concat_arrays(table["source"].chunks * len(FIELDS) or [pa.array([], pa.string())])
        unique, languages, index = distinct(texts, sources)
        pieces = cut(unique, languages, getattr(self.translator, "whole", 0))
        blocks = []
        for target, (hypotheses, notes) in zip(self.targets, translate(pieces, self.targets, self.translator)):
            block = table.select(GENERATED.names).append_column("target", pa.array([target] * rows, pa.string()))
            for name, values in (("mt", hypotheses), ("notes", notes)):
                for number, field in enumerate(FIELDS):
                    block = block.append_column(f"{name}_{field}", values.take(index.slice(number * rows, rows)))
            block = block.cast(TRANSLATED)
            blocks.append(block if extractive is None else marked_answers.read_rows(block, extractive))
        return pa.concat_tables(blocks) if blocks else TRANSLATED.empty_table()


def load(config: Translate, targets: list[str], device: str = "cpu", cache: str | None = None) -> Translator:
    """The translator that the configuration describes, able to translate into all of `targets`."""
    if config.method == "self":
        from polydistill.engine.translation import self_translation

        return self_translation.student(config, device)
    from polydistill.engine.translation.seq2seq import Seq2Seq

    model = Seq2Seq(config, device, cache)
    model.check(set(), set(targets))
    return model


def translate(pieces: Pieces, targets: list[str], translator: Translator) -> list[tuple[pa.Array, pa.Array]]:
    """Translate distinct texts into every target: per target, (hypotheses, notes), one entry per text."""
    sentences = pieces.sentences
    texts, sources = [sentence.text for sentence in sentences], [sentence.source for sentence in sentences]
    wanted = [target for target in targets for _ in sentences]
    hypotheses, notes = _ask(translator, texts * len(targets), sources * len(targets), wanted)
    bits = _bits(notes)
    _restore(sentences, wanted, hypotheses, notes, bits, translator)
    if "" in hypotheses:
        bits[[row for row, hypothesis in enumerate(hypotheses) if hypothesis == ""]] |= _BIT["empty"]
    for number, sentence in enumerate(sentences):
        if _DIGIT.search(sentence.original):
            for row in range(number, len(wanted), len(sentences)):
                hypothesis = hypotheses[row]
                if hypothesis is not None and numbers_lost(sentence.original, hypothesis):
                    bits[row] |= _BIT["number_lost"]
    results = []
    for position, target in enumerate(targets):
        part = slice(position * len(sentences), (position + 1) * len(sentences))
        joined = pieces.join(pa.array(hypotheses[part], pa.string()), target)
        results.append((joined, _notes(pieces, bits[part], notes[part])))
    return results


def _ask(
    translator: Translator, texts: list[str], sources: list[str], targets: list[str]
) -> tuple[list[str | None], list[list[str]]]:
    """Ask the translator, except for sentences that are in the target language already: those are given back."""
    rows = [row for row, (source, target) in enumerate(zip(sources, targets)) if source != target]
    if len(rows) == len(texts):
        return translator(texts, sources, targets)
    made, said = translator(
        [texts[row] for row in rows], [sources[row] for row in rows], [targets[row] for row in rows]
    )
    hypotheses: list[str | None] = list(texts)
    notes: list[list[str]] = [[] for _ in texts]
    for row, hypothesis, own in zip(rows, made, said):
        hypotheses[row], notes[row] = hypothesis, own
    return hypotheses, notes


_DIGIT = re.compile(r"\d")


def _bits(notes: list[list[str]]) -> np.ndarray:
    bits = np.zeros(len(notes), dtype=np.uint8)
    for row, names in enumerate(notes):
        for name in names:
            bits[row] |= _BIT.get(name, _ERROR)
    return bits


def _restore(
    sentences: list[Sentence],
    targets: list[str],
    hypotheses: list[str | None],
    notes: list[list[str]],
    bits: np.ndarray,
    translator: Translator,
) -> None:
    """Put protected spans back, in place; where a mark was lost, translate the text between the spans instead."""
    lost = []
    for number, sentence in enumerate(sentences):
        if not sentence.marks:
            continue
        for row in range(number, len(targets), len(sentences)):
            hypothesis = hypotheses[row]
            if hypothesis is None:
                continue
            hypotheses[row] = restore(hypothesis, sentence.marks)
            if hypotheses[row] is None:
                lost.append(row)
    if not lost:
        return
    parts = [_between(sentences[row % len(sentences)]) for row in lost]
    calls = [
        (part.text, sentences[row % len(sentences)].source, targets[row])
        for row, split in zip(lost, parts)
        for part in split
        if part.translate
    ]
    texts, new = translator([call[0] for call in calls], [call[1] for call in calls], [call[2] for call in calls])
    made = iter(zip(texts, new))
    for row, split in zip(lost, parts):
        filled: list[str | None] = []
        notes[row] = []
        for part in split:
            text, names = next(made) if part.translate else (part.text, [])
            filled += [part.before, text, part.after]
            notes[row] += names
        bits[row] = _bits([notes[row]])[0] | _BIT["span_split"]
        if None not in filled:
            hypotheses[row] = "".join(text for text in filled if text is not None)
            if missing([span for _, span in sentences[row % len(sentences)].marks], hypotheses[row] or ""):
                bits[row] |= _BIT["span_lost"]


class _Part(NamedTuple):
    """A stretch of a sentence: a span, or text between spans with the white space around it."""

    text: str
    translate: bool
    before: str = ""
    after: str = ""


def _between(sentence: Sentence) -> list[_Part]:
    parts = []
    spans = dict(sentence.marks)
    for stretch in re.split("(" + "|".join(re.escape(mark) for mark in spans) + ")", sentence.text):
        if stretch in spans:
            parts.append(_Part(spans[stretch], False))
        elif _WORD.search(stretch):
            core = stretch.strip()
            start = stretch.index(core)
            parts.append(_Part(core, True, stretch[:start], stretch[start + len(core) :]))
        else:
            parts.append(_Part(stretch, False))
    return parts


_WORD = re.compile(r"[^\W\d_]")


def _notes(pieces: Pieces, bits: np.ndarray, notes: list[list[str]]) -> pa.Array:
    """Per text, the notes of its sentences: list of strings of shape (texts,)."""
    of_text = pieces.spread(bits)
    masks, index = np.unique(of_text, return_inverse=True)
    lists = [[note for note in NOTES if mask & _BIT[note]] for mask in masks]
    errors = np.flatnonzero(of_text & _ERROR)
    index = index.astype(np.int32)
    for text in errors.tolist():  # messages differ from text to text
        said = [note for number in pieces.sentences_of(text) for note in notes[number] if note not in _BIT]
        index[text] = len(lists)
        lists.append([said[0], *lists[int(np.searchsorted(masks, of_text[text]))]])
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(index))
