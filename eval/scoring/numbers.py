"""Numbers in running text of any language."""

import re
import unicodedata
from decimal import Decimal

from polydistill.engine.languages import get_language

# A space between groups of three digits: plain, no-break, narrow no-break, thin, figure space.
_SPACE = " \u00a0\u202f\u2009\u2007"
# Digits of any script, or a decimal mark and digits behind it (".75"); then separators with digits, and groups of three
# behind spaces where no more than three digits stand before the first of them ("2 100" but not "2024 100").
_NUMBER = re.compile(
    rf"(?:(?<![^\s$€£¥(=])[.,]\d+(?![.,]?\d)|(?<!\d)\d{{1,3}}(?:[{_SPACE}]\d{{3}}(?!\d))+(?:[.,٫]\d+)?|\d+(?:[.,'’٫٬]\d+)*)"
)
# A minus is a sign unless a digit, a word or a closing mark stands before it ("5-3", "COVID-19"); a word of a script
# without spaces may. Between spaces it is a subtraction.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_SIGN = re.compile(rf"(?:(?<![\w)\]%])|(?<=[{_UNSPACED}]))[-−–][$€£¥₫฿]?$")
# A label before a number, so that the space between them separates two numbers: "In Step 2 100 apples".
_LABEL = re.compile(r"(?:step|schritt|paso|étape|шаг|hatua|langkah|day|tag|día|jour)\s$", re.IGNORECASE)

# Where the decimal mark is a comma (CLDR); everywhere else it is a point.
DECIMAL_COMMA = re.compile(
    "af|az|be|bg|bs|ca|cs|da|de|el|es|et|eu|fi|fr|gl|hr|hu|hy|id|is|it|ka|kk|ky|lt|lv|mk|nb|nl|nn|pl|pt|ro|ru|sk|sl|sq|"
    "sr|sv|tg|tk|tr|uk|uz|vi"
)


def last_number(text: str, language: str = "") -> set[Decimal]:
    """What the last number of a text can mean: {} where there is none.

    "1.234,5" and "1,234.5" are both 1234.5: where two kinds of mark stand, the last is the decimal mark. A mark that
    stands several times groups digits. A single mark before exactly three digits groups them in a language whose
    decimal mark is the other one. In its own decimal mark's place it can mean either ("57.500" in English, which models
    write for 57,500 as well as for 57.5), so both readings are given. Otherwise a single mark is a decimal mark.

    Args:
        text: any text; LaTeX's thin spaces and braces around marks ("1{,}250", "1\\,250") count as plain marks.
        language: of the text, FLORES-200 code; "" where it is not known: then both marks can be either.
    """
    plain = _without_latex(unicodedata.normalize("NFKC", text) if re.search("[，．]", text) else text)
    found = list(_NUMBER.finditer(plain))
    if not found:
        return set()
    match = found[-1]
    start, written = match.start(), match[0]
    head, space, rest = written.partition(" ")
    if space and _LABEL.search(plain[:start]):
        start, written = start + len(head) + 1, rest
    sign = -1 if _SIGN.search(plain[:start]) else 1
    return {sign * value for value in _readings(written, _decimal_mark(language))}


def _without_latex(text: str) -> str:
    return re.sub(r"(?<=\d)\{([.,])\}(?=\d)", r"\1", re.sub(r"(?<=\d)\\[,;:! ](?=\d{3}(?!\d))", "\u2009", text))


def _decimal_mark(language: str) -> str:
    return "" if not language else "," if DECIMAL_COMMA.fullmatch(get_language(language).iso1) else "."


def _readings(written: str, mark: str) -> list[Decimal]:
    digits = re.sub(rf"[{_SPACE}'’٬]", "", written).replace("٫", ".")
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in digits)
    marks = [c for c in plain if c in ",."]
    grouped = Decimal(re.sub("[.,]", "", plain))
    if not marks or marks.count(marks[-1]) > 1:
        return [grouped]
    whole, _, rest = plain.rpartition(marks[-1])
    decimal = Decimal((re.sub("[.,]", "", whole) or "0") + "." + rest)
    if len(marks) > 1 or not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", plain):
        return [decimal]
    return [grouped] if mark and marks[0] != mark else [grouped, decimal]
