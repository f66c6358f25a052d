"""What labels of language-ID models mean."""

import pytest

from polydistill.engine.judging.languages.labels import (
    RELATIVES,
    SEVERAL_SCRIPTS,
    accepted_codes,
    flores,
    same_language,
)
from polydistill.engine.languages import languages


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("de", "deu_Latn"),
        ("no", "nob_Latn"),
        ("zh", "zho_Hans"),
        ("ms", "zsm_Latn"),
        ("sq", "als_Latn"),
        ("als", "gsw_Latn"),  # lid.176: Alemannic; FLORES-200's als_Latn is Albanian
        ("deu_Latn", "deu_Latn"),  # NLLB, OpenLID
        ("zho_Hant", "zho_Hant"),
        ("cmn_Hani", "zho_Hans"),  # GlotLID
        ("ekk_Latn", "est_Latn"),
        ("fil_Latn", "tgl_Latn"),
        ("cmn_Hant", "zho_Hant"),  # later OpenLID
        ("yue_Hani", "yue_Hant"),
        ("srp_Latn", "srp_Latn"),  # not in FLORES-200: a label of its own
        ("uzn_Cyrl", "uzn_Cyrl"),
        ("ary_Arab", "ary_Arab"),
        ("gug_Latn", "grn_Latn"),
        ("lvs_Latn", "lvs_Latn"),
        ("zh-Hant", "zho_Hant"),
        ("sr-Latn", "srp_Latn"),
        ("la", "la"),  # Latin is no language of FLORES-200
    ],
)
def test_labels_of_all_models_mean_flores_codes(label: str, code: str) -> None:
    assert flores(label) == code


def test_every_flores_code_means_itself() -> None:
    assert all(flores(language.code) == language.code for language in languages())


def test_languages_in_two_scripts_are_on_the_list() -> None:
    codes = [language.code for language in languages()]
    several = {code[:3] for code in codes if sum(other[:3] == code[:3] for other in codes) > 1}
    assert several <= SEVERAL_SCRIPTS
    assert same_language("zho_Hans", "zho_Hant") and not same_language("deu_Latn", "deu_Cyrl")


def test_what_stands_in_for_a_label() -> None:
    assert accepted_codes("aka_Latn", frozenset({"twi_Latn"}), False) == {"aka_Latn", "twi_Latn"}
    assert accepted_codes("aka_Latn", frozenset({"twi_Latn", "aka_Latn"}), False) == {"aka_Latn"}
    assert accepted_codes("hrv_Latn", frozenset(), True) == {"hrv_Latn", "bos_Latn", "srp_Latn"}  # never Cyrillic
    assert {code for codes in RELATIVES.values() for code in codes} - {"srp_Latn"} <= {x.code for x in languages()}
