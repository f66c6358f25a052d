"""The note of a sentence that failed, and the count of tokens."""

from collections.abc import Callable

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.config import Translate
from polydistill.engine.schema import Note
from polydistill.engine.translation.given import WithGiven
from polydistill.engine.translation.stage import TranslateStage
from polydistill.engine.translation.translator import SENTENCES, Hypothesis, Metered, TokenCount, drained, error


@given(st.text(max_size=400))
def test_a_failure_has_no_text_and_one_short_note(message: str) -> None:
    failed = error(message)
    assert failed.text is None and failed.others == ()
    (note,) = failed.notes
    assert note.startswith(f"{Note.ERROR}: ") and len(note) <= len("error: ") + 200
    assert note.removeprefix("error: ") == " ".join(message.split())[:200]


def test_tokens_are_counted_by_language_until_they_are_taken() -> None:
    class Priced:
        portions = SENTENCES

        def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
            return [Hypothesis(text, tokens=TokenCount(len(text), 1)) for text in sentences]

    metered = Metered(Priced())
    for _ in range(2):
        metered(["one", "three"], ["eng_Latn"] * 2, ["deu_Latn", "jpn_Jpan"])
    assert metered.drain() == {"deu_Latn": TokenCount(6, 2), "jpn_Jpan": TokenCount(10, 2)}
    assert metered.drain() == {} and drained(object()) == {}


def test_a_stage_counts_what_it_asked_again_too(table_of: Callable[..., pa.Table]) -> None:
    """The model loses the mark of `x`, so the texts around it are translated once more."""

    class Forgets:
        portions = SENTENCES

        def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
            return [Hypothesis(text.replace("[1]", ""), tokens=TokenCount(len(text.split()), 1)) for text in sentences]

    stage = WithGiven(TranslateStage(Translate(model="m"), translator=Forgets()))
    made = stage(table_of("Use `x` now."), ["deu_Latn"])
    assert made["mt_truth"].to_pylist() == ["Use `x` now."]
    asked = table_of("Use `x` now.").select(["instruction"]).to_pylist()[0]["instruction"]
    again = TokenCount(3 + 1 + 1, 3)  # "Use [1] now.", "Use", "now."
    assert stage.drain() == {"deu_Latn": again + (TokenCount(len(asked.split()), 1) if asked else TokenCount())}
