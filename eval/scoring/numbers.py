"""Numbers in running text of any language."""

import re
from decimal import Decimal

# Digits of any script, with separators, and with spaces between groups of three.
_NUMBER = re.compile(r"\d+(?:[.,'’٫٬]\d+|[ \u00a0\u202f]\d{3}(?!\d))*")
# A minus is a sign unless a digit, a word or a closing mark stands before it ("5-3", "COVID-19"); a word of a script
# without spaces may. Between spaces it is a subtraction.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_SIGN = re.compile(rf"(?:(?<![\w)\]%])|(?<=[{_UNSPACED}]))[-−–][$€£¥₫฿]?$")


def last_number(text: str) -> set[Decimal]:
    """What the last number of a text can mean: {} where there is none.

    "1.234,5" and "1,234.5" are both 1234.5: where two kinds of mark stand, the last is the decimal mark. A mark that
    stands several times groups digits. A single mark before exactly three digits can be either ("1.234" is 1234 in
    German, 1.234 in English, and models mix the habits), so both readings are given; otherwise it is a decimal mark.
    """
    found = list(_NUMBER.finditer(text))
    if not found:
        return set()
    match = found[-1]
    sign = -1 if _SIGN.search(text[: match.start()]) else 1
    return {sign * value for value in _readings(match[0])}


def _readings(written: str) -> list[Decimal]:
    digits = re.sub(r"[ \u00a0\u202f'’٬]", "", written).replace("٫", ".")
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in digits)
    marks = [c for c in plain if c in ",."]
    grouped = Decimal(re.sub("[.,]", "", plain))
    if not marks or marks.count(marks[-1]) > 1:
        return [grouped]
    whole, _, rest = plain.rpartition(marks[-1])
    decimal = Decimal(re.sub("[.,]", "", whole) + "." + rest)
    ambiguous = len(marks) == 1 and re.fullmatch(r"\d{1,3}[.,]\d{3}", plain)
    return [grouped, decimal] if ambiguous else [decimal]
