"""The note of a sentence that failed: one short line."""

from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.schema import Note
from polydistill.engine.translation.translator import error


@given(st.text(max_size=400))
def test_a_failure_has_no_text_and_one_short_note(message: str) -> None:
    failed = error(message)
    assert failed.text is None and failed.others == ()
    (note,) = failed.notes
    assert note.startswith(f"{Note.ERROR}: ") and len(note) <= len("error: ") + 200
    assert note.removeprefix("error: ") == " ".join(message.split())[:200]
