"""Characters that only one form of Chinese uses."""

import gzip
from pathlib import Path

import pytest

from polydistill.engine.text.chinese import one_form_only


def test_well_known_characters() -> None:
    simplified, traditional = ({chr(point) for point in points.tolist()} for points in one_form_only())
    assert set("国学说东") <= simplified and set("國學說東蘋") <= traditional
    assert not set("我的人大中") & (simplified | traditional)


@pytest.mark.data
@pytest.mark.parametrize(("code", "own"), [("zho_Hans", 0), ("zho_Hant", 1), ("yue_Hant", 1)])
def test_real_sentences_hold_none_of_the_other_form(data: Path, code: str, own: int) -> None:
    forms = [{chr(point) for point in points.tolist()} for points in one_form_only()]
    with gzip.open(data / "sib200" / f"{code}.tsv.gz", "rt", encoding="utf-8") as file:
        texts = [line.split("\t", 1)[1] for line in file if "\t" in line]
    mine = sum(char in forms[own] for text in texts for char in text)
    other = sum(char in forms[1 - own] for text in texts for char in text)
    assert mine > 5 * len(texts) and other < 0.001 * mine
