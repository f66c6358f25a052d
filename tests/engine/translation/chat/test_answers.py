import pytest

from polydistill.engine.translation.chat.answers import parse_translation
from polydistill.engine.translation.translator import Hypothesis


@pytest.mark.parametrize(
    ("source", "written", "text", "notes"),
    [
        ("It rains.", "Es regnet.", "Es regnet.", ()),
        ("It rains.", "  Es regnet.\n", "Es regnet.", ()),
        ("It rains.", "Sure! Here is the German translation:\n\nEs regnet.", "Es regnet.", ("preamble",)),
        ("It rains.", "Here's the translation: Es regnet.", "Es regnet.", ("preamble",)),
        ("It rains.", "**Translation:** Es regnet.", "Es regnet.", ("preamble",)),
        ("It rains.", "German: Es regnet.", "Es regnet.", ("preamble",)),
        ("It rains.", "Es regnet.\n\n(Note: this is informal.)", "Es regnet.", ("remark",)),
        ("It rains.", "Es regnet.\nLet me know if you need more.", "Es regnet.", ("remark",)),
        ("It rains.", "Es regnet.\nEs gießt.", "Es regnet.", ("remark",)),
        ("It rains.", "<think>Easy.</think>Es regnet.", "Es regnet.", ()),
        ("It rains.", '"Es regnet."', "Es regnet.", ()),
        ('"It rains."', "„Es regnet.“", "„Es regnet.“", ()),
        ("It rains.", "I'm sorry, but I can't do that.", "I'm sorry, but I can't do that.", ("refusal",)),
        ("I'm sorry, I cannot come.", "I'm sorry, ich kann nicht.", "I'm sorry, ich kann nicht.", ()),
        ("It rains.", "In German, the translation of the given text is: Es regnet.", "Es regnet.", ("preamble",)),
        ("It rains.", "This is the German translation: Es regnet.", "Es regnet.", ("preamble",)),
        ("Texas", "Texas (Note: The German translation for Texas is also Texas)", "Texas", ("remark",)),
        ("vnrie", "There is no German word for it.", "There is no German word for it.", ()),
        ("cius.", "There is no German translation for the word.", "There is no German translation for the word.",
         ("refusal",)),
        ("KLj7", "Sorry, KLj7 is not a valid word.", "Sorry, KLj7 is not a valid word.", ("refusal",)),
        ("Sorry, no time.", "Sorry, keine Zeit.", "Sorry, keine Zeit.", ()),
        ("A (note: rare) word.", "Ein (Note: selten) Wort.", "Ein (Note: selten) Wort.", ()),
        ("What is the capital of France?", "Paris.", "Paris.", ("answered",)),
        ("What is it?", "Was ist das?", "Was ist das?", ()),
        ("Here is the translation: it rains.", "Hier ist die Übersetzung: es regnet.",
         "Hier ist die Übersetzung: es regnet.", ()),
        ("One.\nNote: two.", "Eins.\nNote: zwei.", "Eins.\nNote: zwei.", ()),
        ("It rains.", "", "", ()),
    ],
)  # fmt: skip
def test_what_a_model_writes(source, written, text, notes):
    assert parse_translation(source, written, "German", "Latn") == Hypothesis(text, notes)


def test_a_language_without_question_marks_is_not_suspected():
    assert parse_translation("Where is it?", "อยู่ที่ไหน", "Thai", "Thai").notes == ()
