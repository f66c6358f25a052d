"""Fan-out: every row's four texts into every target language, complete and with their layout.

A text is cut into pieces (`engine.text.segment`), distinct sentences are translated once per language, and the pieces
are put together again. Below this stage stands any `engine.translation.translator.Translator`.
"""

import pyarrow as pa

from polydistill.engine.config import Translate
from polydistill.engine.languages import language_code
from polydistill.engine.schema import FIELDS, GENERATED, TRANSLATED
from polydistill.engine.translation import marked_answers
from polydistill.engine.translation.notes import notes_of_texts, noticed
from polydistill.engine.translation.pieces import Pieces, cut, distinct
from polydistill.engine.translation.span_repair import Request, put_spans_back
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
            cache: where converted models are kept, see `engine.translation.conversion`.
            translator: used in place of the configured model.

        Raises:
            UserError: unknown model or device; see `engine.translation.seq2seq.Seq2Seq`.
        """
        self.mark_answers = translate.mark_answers
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
        for target, (hypotheses, notes) in zip(targets, translate_pieces(pieces, targets, self.translator)):
            block = rows.select(GENERATED.names).append_column("target", pa.array([target] * count, pa.string()))
            for name, values in (("mt", hypotheses), ("notes", notes)):
                for number, field in enumerate(FIELDS):
                    block = block.append_column(f"{name}_{field}", values.take(index.slice(number * count, count)))
            block = block.cast(TRANSLATED)
            blocks.append(block if extractive is None else marked_answers.read_rows(block, extractive))
        return pa.concat_tables(blocks) if blocks else TRANSLATED.empty_table()


def load_translator(config: Translate, device: str = "cpu", cache: str | None = None) -> Translator:
    """The translator that the configuration describes."""
    if config.method == "self":
        from polydistill.engine.translation.self_translation import load_self_translator

        return load_self_translator(config, device)
    from polydistill.engine.translation.seq2seq import Seq2Seq

    return Seq2Seq(config, device, cache)


def translate_pieces(pieces: Pieces, targets: list[str], translator: Translator) -> list[tuple[pa.Array, pa.Array]]:
    """Translate distinct texts into every target.

    Returns:
        For each target (hypotheses: string, notes: list of string), one entry for each text.
    """
    # One call for all targets: the model's batches may mix languages, and the longest sentences of all go first.
    requests = [Request(sentence, target) for target in targets for sentence in pieces.sentences]
    hypotheses = put_spans_back(requests, _ask(requests, translator), translator)
    hypotheses = [noticed(request.sentence, hypothesis) for request, hypothesis in zip(requests, hypotheses)]
    results = []
    for position, target in enumerate(targets):
        first = position * len(pieces.sentences)
        own = hypotheses[first : first + len(pieces.sentences)]
        texts = pieces.join(pa.array([hypothesis.text for hypothesis in own], pa.string()), target)
        results.append((texts, notes_of_texts(pieces, own)))
    return results


def _ask(requests: list[Request], translator: Translator) -> list[Hypothesis]:
    """Ask the translator, except for sentences that are in the target language already: those are given back."""
    foreign = [request for request in requests if request.sentence.source != request.target]
    made = iter(
        translator(
            [request.sentence.text for request in foreign],
            [request.sentence.source for request in foreign],
            [request.target for request in foreign],
        )
    )
    return [
        next(made) if request.sentence.source != request.target else Hypothesis(request.sentence.text)
        for request in requests
    ]
