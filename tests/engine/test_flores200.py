"""The table of languages is well formed."""

import re

from polydistill.engine.flores200 import FLORES_200

ROWS = [line.split(" ", 2) for line in FLORES_200.strip().splitlines()]


def test_each_row_is_a_code_an_iso_code_and_a_name() -> None:
    assert all(re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", code) for code, _, _ in ROWS)
    assert all(re.fullmatch(r"-|[a-z]{2}", iso1) and name == name.strip() for _, iso1, name in ROWS)


def test_codes_short_codes_and_names_are_unique() -> None:
    codes, iso1, names = zip(*ROWS)
    short = [code for code in iso1 if code != "-"]
    assert len(set(codes)) == len(codes) >= 200
    assert len(set(names)) == len(names) and list(codes) == sorted(codes)
    assert {code: short.count(code) for code in short if short.count(code) > 2} == {}
