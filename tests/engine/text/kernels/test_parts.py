"""Texts cut into parts for language ID: no letter is lost, and cuts are at sentences, lines or spaces."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.judging.languages.language_id import PART, parts
from tests.engine.judging.languages.test_language_id import ENGLISH, GERMAN


@given(st.text(alphabet=st.sampled_from("ab. \n\r!?。ก"), max_size=400))
def test_parts_keep_every_letter(text: str) -> None:
    cut, owner, length = parts(pa.array([GERMAN, text]))
    assert len(cut) == len(owner) == len(length)
    pieces = [piece for piece, row in zip(cut, owner) if row == 1]
    assert [c for c in "".join(pieces) if not c.isspace()] == [c for c in text if not c.isspace()]
    assert all(piece.endswith("\n") and "\n" not in piece[:-1] for piece in pieces)
    assert all(len(piece) > PART // 2 for piece in pieces) or len(pieces) == 1
    assert (length[owner == 1] <= [len(piece) for piece in pieces]).all()


def test_parts_end_with_sentences_and_lines() -> None:
    listed = "- Äpfel\n- Birnen\n- Zwetschgen und Mirabellen\n" + GERMAN.upper()
    pieces, owner, length = parts(pa.array(["  \n ", listed, ENGLISH, "ข้อความ " * 20]))
    assert owner.tolist() == [1, 1, 1, 2, 2, 3, 3]
    first, second = GERMAN.upper().lower().split(". ")  # with "ss" for "ß"
    assert pieces[:3] == ["- Äpfel - Birnen - Zwetschgen und Mirabellen\n", f"{first}.\n", f"{second}\n"]
    assert pieces[3:5] == [f"{sentence}\n" for sentence in ENGLISH.replace(". ", ".\n").split("\n")]
    assert all(40 <= len(piece) <= 81 for piece in pieces[5:])  # no sentence ends: cut at spaces
    assert length.tolist()[1:] == [len(piece) - 1 for piece in pieces[1:]]
