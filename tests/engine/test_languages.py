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
    assert [entry.code for entry in languages() if not entry.writing.space_between_sentences] == [
        "jpn_Jpan",
        "yue_Hant",
        "zho_Hans",
        "zho_Hant",
    ]
    assert get_language("Thai").writing.space_between_sentences  # Thai sets a space between sentences


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("العربية", "arb_Arab"), ("中文", "zho_Hans"), ("繁體中文", "zho_Hant"), ("简体中文", "zho_Hans")),
        *(("sr-Cyrl", "srp_Cyrl"), ("de-Latn", "deu_Latn"), ("es-419", "spa_Latn"), ("fil-PH", "tgl_Latn")),
        *(("zh_Hant_TW", "zho_Hant"), ("zh-Hant-TW", "zho_Hant"), ("zh-Hans-SG", "zho_Hans"), ("zh-HK", "zho_Hant")),
        *(("de-DE", "deu_Latn"), ("ar-Latn", "arb_Latn"), ("ks-Deva-IN", "kas_Deva"), ("ku-Arab", "ckb_Arab")),
        *(("ko-Kore", "kor_Hang"), ("en-US-x-private", "eng_Latn"), ("de-1996", "deu_Latn"), ("yue-HK", "yue_Hant")),
        *(("zho-TW", "zho_Hant"), ("cmn-HK", "zho_Hant"), ("zho-CN", "zho_Hans"), ("zh-MO", "zho_Hant")),
        *(("fa-AF", "prs_Arab"), ("fas-IR", "pes_Arab"), ("kur-IQ", "ckb_Arab"), ("ku-TR", "kmr_Latn")),
        *(("iw", "heb_Hebr"), ("ger", "deu_Latn"), ("nb-NO", "nob_Latn"), ("cmn-Hant", "zho_Hant")),
    ],
)
def test_tags_of_bcp_47_and_own_names(name, expected):
    assert language_code(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sr-Latn", r"FLORES-200 has Serbian as srp_Cyrl \(Serbian\) only"),
        ("pa-PK", r"FLORES-200 has Punjabi as pan_Guru"),  # written in Arabic script there
        ("pan-PK", r"FLORES-200 has Punjabi as pan_Guru"),
        ("Levantine Arabic", r"several languages.*ajp_Arab \(South Levantine Arabic\), apc_Arab"),
        ("العامية", r"several languages.*ajp_Arab \(South Levantine Arabic\), apc_Arab"),
        ("Python", r"unknown language 'Python'"),
    ],
)
def test_what_is_not_one_language_is_an_error_with_the_choices(name, message):
    with pytest.raises(UserError, match=message):
        language_code(name)


def test_no_two_languages_share_a_name():
    for names in ([entry.name for entry in languages()], [entry.autonym for entry in languages()]):
        assert len(set(names)) == len(names)
    assert (
        get_language("zho_Hans").name == "Simplified Chinese" and get_language("zho_Hant").name == "Traditional Chinese"
    )
    for entry in languages():
        assert language_code(entry.autonym) == entry.code


def test_codes_with_scripts_and_regions_stay_the_language():
    for entry in languages():
        for tag in (
            f"{entry.iso3}-{entry.script}",
            f"{entry.iso3}_{entry.script}_x_y",
            entry.code.replace("_", "-").upper(),
        ):
            assert language_code(tag) == entry.code
