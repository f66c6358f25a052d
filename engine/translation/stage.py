"""Fan-out: every row's four texts into every target language, complete and with their layout.

A text is cut into pieces (`engine.text.segment`), distinct sentences are translated once per language, and the pieces
are put together again. Below this stage stands any `engine.translation.translator.Translator`.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polydistill.engine.config import Translate
from polydistill.engine.languages import language_code
from polydistill.engine.schema import FIELDS, GENERATED, OTHERS, TRANSLATED
from polydistill.engine.translation import marked_answers
from polydistill.engine.translation.chat.prompts import told_terms
from polydistill.engine.translation.notes import notes_of_texts, noticed
from polydistill.engine.translation.pieces import Pieces, cut, distinct
from polydistill.engine.translation.span_repair import WORD, Request, put_spans_back
from polydistill.engine.translation.terms import NO_TERMS, Terms, check_terms
from polydistill.engine.translation.translator import Hypothesis, Metered, Part, TokenCount, Translator


class TranslateStage:
    """GENERATED rows -> TRANSLATED rows for every target, target by target, rows in order within each.

    The result is a function of the rows and the list of targets.
    """

    def __init__(
        self,
        translate: Translate,
        device: str = "cpu",
        cache: str | None = None,
        translator: Translator | None = None,
    ) -> None:
        """Load the translator.

        Args:
            translate: the translator's configuration.
            device: "cpu", "cuda" or "cuda:N".
            cache: where converted models are kept, see `engine.translation.encoder_decoder.conversion`.
            translator: used in place of the configured model.

        Raises:
            UserError: unknown model or device; see `engine.translation.encoder_decoder.seq2seq.Seq2Seq`.
        """
        self.mark_answers, self.best = translate.mark_answers, translate.hypotheses
        self.terms, self.told = terms_of(translate)
        parts = [Part(FIELDS, translator)] if translator else load_translators(translate, device, cache)
        self.parts = [(part.fields, Metered(part.translator)) for part in parts]

    def __call__(self, rows: pa.Table, targets: list[str]) -> pa.Table:
        """Translate all rows into all targets; zero rows give zero rows.

        Args:
            rows: GENERATED columns.
            targets: target languages, in any form that `engine.languages.language_code` knows.

        Raises:
            UserError: unknown language, or one that the model cannot address.
        """
        targets = [language_code(target) for target in targets]
        asked, extractive = marked_answers.mark_rows(rows) if self.mark_answers else (rows, None)
        parts = [self._translated(asked, fields, translator, targets) for fields, translator in self.parts]
        blocks = [self._block(rows, parts, number, target, extractive) for number, target in enumerate(targets)]
        return pa.concat_tables(blocks) if blocks else TRANSLATED.empty_table()

    def drain(self) -> dict[str, TokenCount]:
        """Tokens that the translators read and wrote since the last call, by target language."""
        used: dict[str, TokenCount] = {}
        for _, translator in self.parts:
            for target, own in translator.drain().items():
                used[target] = used.get(target, TokenCount()) + own
        return used

    def _translated(
        self, rows: pa.Table, fields: tuple[str, ...], translator: Translator, targets: list[str]
    ) -> "_Made":
        """Translate the distinct texts of one translator's fields."""
        nothing = [pa.array([], pa.string())]
        texts = pa.concat_arrays([chunk for field in fields for chunk in rows[field].chunks] or nothing)
        sources = pa.concat_arrays(rows["source"].chunks * len(fields) or nothing)
        unique, languages, index = distinct(texts, sources)
        pieces = cut(unique, languages, translator.portions)
        made = translate_pieces(pieces, targets, translator, self.terms, self.told)
        return _Made(fields, pieces, index, made)

    def _block(
        self, rows: pa.Table, parts: list["_Made"], number: int, target: str, extractive: np.ndarray | None
    ) -> pa.Table:
        """TRANSLATED rows of the target of that number."""
        block = rows.select(GENERATED.names).append_column("target", pa.array([target] * len(rows), pa.string()))
        columns = {name: column for part in parts for name, column in part.columns(number, target).items()}
        for name in TRANSLATED.names[len(block.column_names) :]:
            block = block.append_column(name, columns[name])
        block = block.cast(TRANSLATED)
        block = block if extractive is None else marked_answers.read_rows(block, extractive)
        if self.best == 1:
            return block
        others = {name: column for part in parts for name, column in part.others(number, target, self.best).items()}
        for field in FIELDS:
            values = others[field]
            if extractive is not None and field != "instruction":
                # An answer that was translated in its place in the input has none, nor has its input.
                values = pc.if_else(pa.array(extractive), pa.scalar(None, OTHERS), values)
            block = block.append_column(f"others_{field}", values)
        return block


@dataclass(frozen=True)
class _Made:
    """What one translator made of its fields."""

    fields: tuple[str, ...]
    pieces: Pieces  # of the fields' distinct texts
    index: pa.Int32Array  # which of them each field of each row has, field by field; null where it is empty
    hypotheses: list[list[Hypothesis]]  # by target, one for each of `pieces.sentences`

    def columns(self, number: int, target: str) -> dict[str, pa.Array]:
        """`mt_<field>` and `notes_<field>` in the target of that number."""
        texts, notes = texts_of(self.pieces, self.hypotheses[number], target)
        return {f"mt_{f}": v for f, v in self._spread(texts).items()} | {
            f"notes_{f}": v for f, v in self._spread(notes).items()
        }

    def others(self, number: int, target: str, best: int) -> dict[str, pa.Array]:
        """Each field's next best hypotheses, as far as its sentences have some."""
        return self._spread(pa.array(others_of(self.pieces, self.hypotheses[number], target, best), OTHERS))

    def _spread(self, values: pa.Array) -> dict[str, pa.Array]:
        count = len(self.index) // len(self.fields)
        return {field: values.take(self.index.slice(i * count, count)) for i, field in enumerate(self.fields)}


def terms_of(config: Translate) -> tuple[Terms, Terms]:
    """The terms that travel as marks, and those that the model is told of."""
    if told_terms(config):
        return Terms(config.keep, {}), Terms({}, config.glossary)
    return Terms(config.keep, config.glossary), NO_TERMS


def load_translators(config: Translate, device: str = "cpu", cache: str | None = None) -> list[Part]:
    """The translators that the configuration describes, each with its fields. They share one model."""
    if config.method == "self":
        from polydistill.engine.translation.self_translation import load_self_translators

        return load_self_translators(config, device)
    if config.method == "chat":
        from polydistill.engine.translation.chat.chat_translator import load_chat_translator

        return [Part(FIELDS, load_chat_translator(config, device, terms_of(config)[1]))]
    from polydistill.engine.translation.encoder_decoder.seq2seq import Seq2Seq

    return [Part(FIELDS, Seq2Seq(config, device, cache))]


def translate_pieces(
    pieces: Pieces, targets: list[str], translator: Translator, marked: Terms = NO_TERMS, told: Terms = NO_TERMS
) -> list[list[Hypothesis]]:
    """Translate the sentences of distinct texts into every target.

    Args:
        pieces: the texts, cut.
        targets: FLORES-200 codes.
        translator: the model.
        marked: terms that travel as marks.
        told: terms that the model is told of. Their translations are looked for in what it makes.

    Returns:
        For each target, a hypothesis for each of `pieces.sentences`.
    """
    # One call for all targets: the model's batches may mix languages, and the longest sentences of all go first.
    requests = [
        Request(marked.mark(sentence, target) if marked and sentence.source != target else sentence, target)
        for target in targets
        for sentence in pieces.sentences
    ]
    hypotheses = put_spans_back(requests, _ask(requests, translator), translator)
    hypotheses = [noticed(request.sentence, hypothesis) for request, hypothesis in zip(requests, hypotheses)]
    if told:
        hypotheses = [check_terms(told, *request, hypothesis) for request, hypothesis in zip(requests, hypotheses)]
    count = len(pieces.sentences)
    return [hypotheses[position * count : (position + 1) * count] for position in range(len(targets))]


def texts_of(pieces: Pieces, hypotheses: list[Hypothesis], target: str) -> tuple[pa.Array, pa.Array]:
    """The texts, put together from their sentences' hypotheses, and their notes: string and list of string (texts,)."""
    texts = pieces.join(pa.array([hypothesis.text for hypothesis in hypotheses], pa.string()), target)
    return texts, notes_of_texts(pieces, hypotheses)


def others_of(pieces: Pieces, hypotheses: list[Hypothesis], target: str, best: int) -> list[list[dict[str, object]]]:
    """Each text's next best hypotheses: in the one of rank k, every sentence has its own of rank k, or its last one.

    Args:
        pieces: the texts, cut.
        hypotheses: one for each of `pieces.sentences`, with its next best ones.
        target: the language.
        best: the number of hypotheses, the first one included.

    Returns:
        For each text, values of `schema.OTHERS`, without repetition.
    """
    found: list[list[dict[str, object]]] = [[] for _ in range(len(pieces.offsets) - 1)]
    seen = [{text} for text in texts_of(pieces, hypotheses, target)[0].to_pylist()]
    for rank in range(1, best):
        own = [hypothesis.others[min(rank, len(hypothesis.others)) - 1] if hypothesis.others else hypothesis
               for hypothesis in hypotheses]  # fmt: skip
        texts, notes = texts_of(pieces, own, target)
        for number, (text, said) in enumerate(zip(texts.to_pylist(), notes.to_pylist())):
            if text is not None and text not in seen[number]:
                seen[number].add(text)
                found[number].append({"text": text, "notes": said})
    return found


def _ask(requests: list[Request], translator: Translator) -> list[Hypothesis]:
    """Ask the translator.

    Two kinds of sentence are given back as they are: those in the target language, and those of nothing but marks.
    """
    given = [_stays(request) for request in requests]
    asked = [request for request, stays in zip(requests, given) if not stays]
    made = iter(
        translator(
            [request.sentence.text for request in asked],
            [request.sentence.source for request in asked],
            [request.target for request in asked],
        )
    )
    return [Hypothesis(request.sentence.text) if stays else next(made) for request, stays in zip(requests, given)]


def _stays(request: Request) -> bool:
    sentence = request.sentence
    return sentence.source == request.target or (bool(sentence.marks) and not WORD.search(sentence.text))
