"""Fan-out: every row's four texts into every target language, complete and with their layout.

A text is cut into pieces (`engine.text.segment`), distinct sentences are translated once per language, and the pieces
are put together again. Below this stage stands any `engine.translation.translator.Translator`.
"""

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
from polydistill.engine.translation.translator import Hypothesis, Translator


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
        self.translator = translator or load_translator(translate, device, cache)

    def __call__(self, rows: pa.Table, targets: list[str]) -> pa.Table:
        """Translate all rows into all targets; zero rows give zero rows.

        Args:
            rows: GENERATED columns.
            targets: target languages, in any form that `engine.languages.language_code` knows.

        Raises:
            UserError: unknown language, or one that the model cannot address.
        """
        targets = [language_code(target) for target in targets]
        count = rows.num_rows
        asked, extractive = marked_answers.mark_rows(rows) if self.mark_answers else (rows, None)
        texts = pa.concat_arrays(
            [chunk for field in FIELDS for chunk in asked[field].chunks] or [pa.array([], pa.string())]
        )
        sources = pa.concat_arrays(rows["source"].chunks * len(FIELDS) or [pa.array([], pa.string())])
        unique, languages, index = distinct(texts, sources)
        pieces = cut(unique, languages, self.translator.whole)
        blocks = []
        made = translate_pieces(pieces, targets, self.translator, self.terms, self.told)
        for target, own in zip(targets, made):
            hypotheses, notes = texts_of(pieces, own, target)
            block = rows.select(GENERATED.names).append_column("target", pa.array([target] * count, pa.string()))
            for name, values in (("mt", hypotheses), ("notes", notes)):
                for number, field in enumerate(FIELDS):
                    block = block.append_column(f"{name}_{field}", values.take(index.slice(number * count, count)))
            block = block.cast(TRANSLATED)
            block = block if extractive is None else marked_answers.read_rows(block, extractive)
            blocks.append(block if self.best == 1 else self._with_others(block, pieces, own, index, extractive))
        return pa.concat_tables(blocks) if blocks else TRANSLATED.empty_table()

    def _with_others(
        self, block: pa.Table, pieces: Pieces, own: list[Hypothesis], index: pa.Array, extractive: np.ndarray | None
    ) -> pa.Table:
        """The block with the columns `others_<field>`, each as far as the sentences have next best hypotheses.

        An answer that was translated in its place in the input has none, nor has its input: they belong together.
        """
        others = others_of(pieces, own, block["target"][0].as_py(), self.best) if block.num_rows else []
        column = pa.array(others, OTHERS).take(index)
        for number, field in enumerate(FIELDS):
            values = column.slice(number * block.num_rows, block.num_rows)
            if extractive is not None and field != "instruction":
                values = pc.if_else(pa.array(extractive), pa.scalar(None, OTHERS), values)
            block = block.append_column(f"others_{field}", values)
        return block


def terms_of(config: Translate) -> tuple[Terms, Terms]:
    """The terms that travel as marks, and those that the model is told of."""
    if told_terms(config):
        return Terms(config.keep, {}), Terms({}, config.glossary)
    return Terms(config.keep, config.glossary), NO_TERMS


def load_translator(config: Translate, device: str = "cpu", cache: str | None = None) -> Translator:
    """The translator that the configuration describes."""
    if config.method == "self":
        from polydistill.engine.translation.self_translation import load_self_translator

        return load_self_translator(config, device)
    if config.method == "chat":
        from polydistill.engine.translation.chat.chat_translator import load_chat_translator

        return load_chat_translator(config, device, terms_of(config)[1])
    from polydistill.engine.translation.encoder_decoder.seq2seq import Seq2Seq

    return Seq2Seq(config, device, cache)


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
        Request(sentence if sentence.source == target else marked.mark(sentence, target), target)
        for target in targets
        for sentence in pieces.sentences
    ]
    hypotheses = put_spans_back(requests, _ask(requests, translator), translator)
    hypotheses = [
        check_terms(told, sentence, target, noticed(sentence, hypothesis))
        for (sentence, target), hypothesis in zip(requests, hypotheses)
    ]
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
