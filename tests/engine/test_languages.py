import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language, language_code, languages


@pytest.mark.parametrize(
    "name", ["de", "deu", "German", "german", "DEU_LATN", "deu_Latn", "deu-Latn", "Deutsch", " de "]
)
def test_german_by_every_name(name):
    assert language_code(name) == "deu_Latn"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("zh", "zho_Hans"), ("Chinese", "zho_Hans"), ("zho_Hant", "zho_Hant"), ("Traditional Chinese", "zho_Hant")),
        *(
            ("ar", "arb_Arab"),
            ("Arabic", "arb_Arab"),
            ("no", "nob_Latn"),
            ("Norwegian", "nob_Latn"),
            ("fa", "pes_Arab"),
        ),
        *(("ms", "zsm_Latn"), ("Malay", "zsm_Latn"), ("id", "ind_Latn"), ("fil", "tgl_Latn"), ("sw", "swh_Latn")),
        *(("lv", "lvs_Latn"), ("Latvian", "lvs_Latn"), ("az", "azj_Latn"), ("uz", "uzn_Latn"), ("Persian", "pes_Arab")),
        *(
            ("mn", "khk_Cyrl"),
            ("sq", "als_Latn"),
            ("Albanian", "als_Latn"),
            ("Swahili", "swh_Latn"),
            ("et", "est_Latn"),
        ),
        *(
            ("sat_Beng", "sat_Olck"),
            ("Santali", "sat_Olck"),
            ("arb_Latn", "arb_Latn"),
            ("pt-BR", "por_Latn"),
            ("zh-TW", "zho_Hant"),
        ),
        *(("ku", "kmr_Latn"), ("Kurdish", "kmr_Latn"), ("ps", "pbt_Arab"), ("ne", "npi_Deva"), ("or", "ory_Orya")),
    ],
)
def test_usual_names(name, expected):
    assert language_code(name) == expected


def test_every_language_by_its_own_code_and_name():
    for entry in languages():
        assert language_code(entry.code) == entry.code
        assert get_language(entry.name).name.split(" (")[0] == entry.name.split(" (")[0]
        if entry.iso1:
            assert get_language(entry.iso1).iso1 == entry.iso1
        assert get_language(entry.iso3).iso3 == entry.iso3
        assert entry.autonym and entry.locale and len(entry.script) == 4


def test_all_languages_of_nllb_are_known():
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    assert {language_code(name) for name in FAIRSEQ_LANGUAGE_CODES} <= {entry.code for entry in languages()}
    assert len({language_code(name) for name in FAIRSEQ_LANGUAGE_CODES}) == 202


@pytest.mark.data
def test_all_languages_of_flores_are_known(data: Path):
    names = {path.name.split(".")[0] for path in (data / "sib200").iterdir()}
    known = {entry.code for entry in languages()}
    assert len(names) > 200 and names <= known


@pytest.mark.parametrize(
    ("name", "hint"), [("Germn", "deu_Latn"), ("deu_Latin", "deu_Latn"), ("Indonesan", "ind_Latn")]
)
def test_unknown_names_are_answered_with_near_ones(name, hint):
    with pytest.raises(UserError, match=hint):
        language_code(name)


@given(st.text(max_size=8))
def test_any_text_is_known_or_a_user_error(text):
    with contextlib.suppress(UserError):
        assert language_code(text) in {entry.code for entry in languages()}


def test_scripts_without_spaces_between_sentences():
    assert [entry.code for entry in languages() if not entry.spaced] == ["jpn_Jpan", "yue_Hant", "zho_Hans", "zho_Hant"]
    assert get_language("Thai").spaced  # Thai sets a space between sentences
