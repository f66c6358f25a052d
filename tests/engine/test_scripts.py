import unicodedata

import regex

from polydistill.engine.languages import languages
from polydistill.engine.scripts import UNSPACED, UNSPACED_UNICODE, WRITING_SYSTEMS


def test_every_language_has_a_writing_system():
    assert {language.script for language in languages()} == set(WRITING_SYSTEMS)
    for language in languages():
        assert language.writing.code == language.script


def test_unicode_knows_the_scripts():
    for system in WRITING_SYSTEMS.values():
        for name in system.unicode:
            letters = [chr(point) for point in range(0x20000) if regex.match(rf"\p{{Script={name}}}", chr(point))]
            assert any(unicodedata.category(letter)[0] == "L" for letter in letters), name


def test_words_and_sentences_are_two_questions():
    assert {"Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt"} == UNSPACED
    assert {code for code in UNSPACED if WRITING_SYSTEMS[code].space_between_sentences} == {
        *("Khmr", "Laoo", "Mymr", "Thai", "Tibt")
    }
    assert not any(WRITING_SYSTEMS[code].space_between_words for code in UNSPACED)
    assert {"Han", "Hiragana", "Tibetan"} < UNSPACED_UNICODE
