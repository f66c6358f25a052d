import pytest

from polydistill.engine.schema import Flag, Note, Reason
from polydistill.engine.translation.notes import notes_of_texts, noticed
from polydistill.engine.translation.pieces import Sentence, cut
from polydistill.engine.translation.translator import Hypothesis, error


@pytest.mark.parametrize(
    ("original", "text", "notes"),
    [
        ("In 1990.", "1990.", ()),
        ("In 1990.", "Damals.", (Note.NUMBER_LOST,)),
        ("In 1990.", "", (Note.EMPTY, Note.NUMBER_LOST)),
        ("In 1990.", None, ()),
    ],
)
def test_a_sentence(original, text, notes):
    sentence = Sentence(original, "eng_Latn", (), original)
    assert noticed(sentence, Hypothesis(text)).notes == notes
    assert noticed(sentence, Hypothesis(text, (Note.NO_END,))).notes == (Note.NO_END, *notes)


def test_a_text_has_its_sentences_notes_in_order_and_the_first_error():
    pieces = cut(["One. Two.", "Two.", "---", "Three. Four."], ["eng_Latn"] * 4)
    own = {"One.": Hypothesis("1", (Note.EMPTY,)), "Two.": Hypothesis("2", (Note.TRUNCATED,))}
    own |= {"Three.": error("ValueError: no\nmore"), "Four.": error("KeyError")}
    made = notes_of_texts(pieces, [own[sentence.text] for sentence in pieces.sentences]).to_pylist()
    assert made == [["truncated", "empty"], ["truncated"], [], ["error: ValueError: no more"]]
    assert notes_of_texts(cut([], []), []).to_pylist() == []


def test_the_judge_knows_every_note():
    assert {str(note) for note in Note} <= {str(name) for name in (*Flag, *Reason)}
