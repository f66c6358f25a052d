"""Writing systems: the one definition of how the languages of FLORES-200 are written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WritingSystem:
    """A script as ISO 15924 names it."""

    code: str  # ISO 15924, e.g. Latn
    name: str  # in English, e.g. Latin
    unicode: tuple[str, ...]  # the Unicode scripts that its letters belong to
    space_between_words: bool = True
    """Whether a space separates words. Thai, Lao, Khmer and Burmese set spaces between clauses or sentences only.
    Tibetan sets a mark (tsheg) between syllables."""
    space_between_sentences: bool = True
    """Whether a space separates sentences."""


def _plain(code: str, name: str, unicode: str = "") -> WritingSystem:
    return WritingSystem(code, name, (unicode or name,))


def _joined(code: str, name: str, unicode: tuple[str, ...], sentences: bool) -> WritingSystem:
    return WritingSystem(code, name, unicode, space_between_words=False, space_between_sentences=sentences)


WRITING_SYSTEMS = {
    system.code: system
    for system in (
        *(_plain("Latn", "Latin"), _plain("Arab", "Arabic"), _plain("Armn", "Armenian"), _plain("Beng", "Bengali")),
        *(_plain("Cyrl", "Cyrillic"), _plain("Deva", "Devanagari"), _plain("Ethi", "Ethiopic")),
        *(_plain("Geor", "Georgian"), _plain("Grek", "Greek"), _plain("Gujr", "Gujarati"), _plain("Guru", "Gurmukhi")),
        *(_plain("Hang", "Hangul"), _plain("Hebr", "Hebrew"), _plain("Knda", "Kannada"), _plain("Mlym", "Malayalam")),
        *(_plain("Nkoo", "N'Ko", "Nko"), _plain("Olck", "Ol Chiki", "Ol_Chiki"), _plain("Orya", "Odia", "Oriya")),
        *(_plain("Sinh", "Sinhala"), _plain("Taml", "Tamil"), _plain("Telu", "Telugu"), _plain("Tfng", "Tifinagh")),
        _joined("Hans", "Simplified Chinese", ("Han",), False),
        _joined("Hant", "Traditional Chinese", ("Han",), False),
        _joined("Jpan", "Japanese", ("Han", "Hiragana", "Katakana"), False),
        _joined("Khmr", "Khmer", ("Khmer",), True),
        _joined("Laoo", "Lao", ("Lao",), True),
        _joined("Mymr", "Burmese", ("Myanmar",), True),
        _joined("Thai", "Thai", ("Thai",), True),
        _joined("Tibt", "Tibetan", ("Tibetan",), True),
    )
}
"""Writing systems by their codes."""

UNSPACED = frozenset(code for code, system in WRITING_SYSTEMS.items() if not system.space_between_words)
"""Codes of the writing systems without spaces between words."""

UNSPACED_UNICODE = frozenset(name for code in UNSPACED for name in WRITING_SYSTEMS[code].unicode)
"""The Unicode scripts of these."""
