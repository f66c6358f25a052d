"""The letter in a generated answer to a question with lettered options."""

import re
import unicodedata

# Latin letters and digits around a letter make it a part of a word; other scripts need no space around it. An
# apostrophe or a dot before it belongs to a word as well ("C'est", "U.S.A").
_WORD = "A-Za-z0-9À-ɏ"


def read_letter(text: str, letters: str) -> str:
    """The first of `letters` that stands alone: "The answer is B.", "(C)", "答案是B。", "คำตอบคือB", "Ｂ"; else "".

    An answer that is one lower-case letter counts as its capital. Only the question's own letters are read, so "I"
    is no option of four.
    """
    folded = unicodedata.normalize("NFKC", text.strip())
    alone = re.fullmatch(r"\W*([a-z])\W*", folded)
    if alone:
        folded = alone[1].upper()
    found = re.search(rf"(?<![{_WORD}'’.])([{letters}])(?![{_WORD}'’])", folded)
    return found[1] if found else ""
