"""Translating plain texts, outside of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from polydistill.engine import environment
from polydistill.engine.config import Translate, validate
from polydistill.engine.languages import language_code
from polydistill.engine.schema import FIELDS, GENERATED


@dataclass(frozen=True)
class Translation:
    """The translation of one text."""

    text: str | None  # None: it failed
    notes: tuple[str, ...]  # what the translator noticed (docs/translation.md), or "error: ..."


def translate_texts(
    texts: Sequence[str],
    target: str,
    translate: Translate | Mapping[str, object],
    source: str = "eng_Latn",
    device: str = "cpu",
) -> list[Translation]:
    """Translate texts with their layout. Code, URLs, placeholders and the like are protected and come back unchanged.

    Args:
        texts: any number of texts of any length.
        target: target language, e.g. "de", "German" or "deu_Latn".
        translate: the `translate` section, e.g. {"model": "facebook/nllb-200-distilled-600M"}.
        source: language of the texts.
        device: "cpu", "cuda" or "cuda:N".

    Returns:
        One translation for each text, in order.

    Raises:
        UserError: an unknown language, a missing model, or a model without one of the languages.
    """
    environment.prepare()
    from polydistill.engine.translation.stage import TranslateStage

    config = translate if isinstance(translate, Translate) else validate(Translate, dict(translate), "translate")
    made = TranslateStage(config, device)(_table(texts, language_code(source)), [target])
    notes = made["notes_instruction"].to_pylist()
    return [Translation(text, tuple(said or ())) for text, said in zip(made["mt_instruction"].to_pylist(), notes)]


def _table(texts: Sequence[str], source: str) -> pa.Table:
    """The texts as instructions of GENERATED rows."""
    rows = len(texts)
    values = {
        **{name: [None] * rows for name in GENERATED.names},
        **{name: [""] * rows for name in FIELDS},
        "instruction": list(texts),
        "id": [f"{row:016x}" for row in range(rows)],
        "source": [source] * rows,
        "origin": [f"text:{row}" for row in range(rows)],
    }
    return pa.table({field.name: pa.array(values[field.name], field.type) for field in GENERATED}, schema=GENERATED)
