from decimal import Decimal

import pytest

from polydistill.eval.scoring.numbers import last_number


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("no number", []),
        ("Janet makes 18 dollars.", ["18"]),
        ("first 3, then 4", ["4"]),
        ("18.0", ["18"]),
        ("The answer is -5", ["-5"]),
        ("The answer is −$7.", ["-7"]),
        ("(-2)", ["-2"]),
        ("答えは-3です", ["-3"]),
        ("5-3", ["3"]),
        ("5 - 3", ["3"]),
        ("COVID-19", ["19"]),
        ("1,234.5 dollars", ["1234.5"]),
        ("1.234,5 Euro", ["1234.5"]),
        ("1,000,000", ["1000000"]),
        ("1.000.000", ["1000000"]),
        ("1,23,456", ["123456"]),
        ("1.234", ["1234", "1.234"]),
        ("57,500", ["57500", "57.5"]),
        ("3,5", ["3.5"]),
        ("12 345", ["12345"]),
        ("12\u202f345,6", ["12345.6"]),
        ("12'345", ["12345"]),
        ("১২৩", ["123"]),
        ("٣٫٥", ["3.5"]),
        ("๑๘ บาท", ["18"]),
    ],
)
def test_last_number(text: str, values: list[str]) -> None:
    assert last_number(text) == {Decimal(value) for value in values}
