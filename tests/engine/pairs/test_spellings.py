import pytest

from polydistill.engine.languages import language_code, languages
from polydistill.engine.pairs.spellings import named_pairs, spelled


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("de", "deu_Latn"), ("DE", "deu_Latn"), ("deu", "deu_Latn"), ("ger", "deu_Latn"), ("deu_Latn", "deu_Latn"),
        ("de-Latn", "deu_Latn"), ("german", "deu_Latn"), ("de_DE", "deu_Latn"), ("no", "nob_Latn"), ("nb", "nob_Latn"),
        ("nob", "nob_Latn"), ("fil", "tgl_Latn"), ("tl", "tgl_Latn"), ("iw", "heb_Hebr"), ("zh_cn", "zho_Hans"),
        ("zh-CN", "zho_Hans"), ("zh_TW", "zho_Hant"), ("zh-Hant", "zho_Hant"), ("zh", "zho_Hans"), ("cn", "zho_Hans"),
        ("pt_br", "por_Latn"), ("pt-BR", "por_Latn"), ("ara", "arb_Arab"), ("fas", "pes_Arab"), ("cmn", "zho_Hans"),
        ("swa", "swh_Latn"), ("lav", "lvs_Latn"), ("sqi", "als_Latn"), ("ori", "ory_Orya"), ("jp", "jpn_Jpan"),
        ("zho-TW", "zho_Hant"), ("zho-CN", "zho_Hans"), ("zho_tw", "zho_Hant"), ("srp-Cyrl", "srp_Cyrl"),
        ("por_br", "por_Latn"), ("spa-MX", "spa_Latn"), ("fa-AF", "prs_Arab"), ("eng_US", "eng_Latn"),
        ("srp-Latn", None), ("pa_PK", None),  # FLORES-200 has them in another script only
        ("my_de", None), ("de_en", None), ("train", None), ("v18", None), ("", None), ("de_Cyrl", None),
    ],
)  # fmt: skip
def test_spellings(text: str, code: str | None) -> None:
    assert spelled(text) == code


def test_every_language_is_found_under_its_code_and_names() -> None:
    for name in ("Arabic", "Chinese", "Norwegian", "Persian", "Swahili", "Malay", "Deutsch", "suomi", "Русский"):
        assert spelled(name) == spelled(name.lower()) == language_code(name)
    for language in languages():
        for name in filter(str.isalpha, (language.name, language.autonym)):
            assert spelled(name) == language.code
        assert spelled(language.code) == language.code
        assert spelled(language.code.replace("_", "-")) == language.code


@pytest.mark.parametrize(
    ("name", "pair", "rest"),
    [
        ("en-de", ("eng_Latn", "deu_Latn"), ""),
        ("opus.en-id-train", ("eng_Latn", "ind_Latn"), "opus-train"),
        ("WikiMatrix.en-id", ("eng_Latn", "ind_Latn"), "WikiMatrix"),
        ("eng_Latn-deu_Latn", ("eng_Latn", "deu_Latn"), ""),
        ("en-zh_TW", ("eng_Latn", "zho_Hant"), ""),
        ("zh_TW-en", ("zho_Hant", "eng_Latn"), ""),
        ("pt_br-en", ("por_Latn", "eng_Latn"), ""),
        ("EN-DE", ("eng_Latn", "deu_Latn"), ""),
        ("test_en_de", ("eng_Latn", "deu_Latn"), "test"),
        ("english-german", ("eng_Latn", "deu_Latn"), ""),
        ("English_Chinese", ("eng_Latn", "zho_Hans"), ""),
        ("Deutsch-English", ("deu_Latn", "eng_Latn"), ""),
        ("en-de.0-5000", ("eng_Latn", "deu_Latn"), ".0-5000"),
    ],
)
def test_pairs_in_names(name: str, pair: tuple[str, str], rest: str) -> None:
    found = list(named_pairs(name))
    assert [(one.first, one.second) for one in found] == [pair] and found[0].rest == rest


@pytest.mark.parametrize("name", ["README", "train", "news-commentary-v18", "en", "wiki-2020-01"])
def test_other_names_say_no_pair(name: str) -> None:
    assert not list(named_pairs(name))


def test_names_of_scripts_are_no_languages_and_take_no_time() -> None:
    from polydistill.engine import languages

    asked = languages._own_names.cache_info()
    assert [spelled(name) for name in ("Latn", "Jpan", "Cyrl")] == [None] * 3
    assert spelled("Thai") == "tha_Thai"
    assert languages._own_names.cache_info() == asked
