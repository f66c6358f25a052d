import json

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.translation.encoder_decoder.language_tokens import LanguageTokens, language_tokens


@pytest.mark.parametrize(
    ("vocabulary", "code", "before", "prefix"),
    [
        ({"eng_Latn", "zho_Hant"}, "zho_Hant", ["eng_Latn"], ["zho_Hant"]),
        ({"eng_Latn", "sat_Beng"}, "sat_Olck", ["eng_Latn"], ["sat_Beng"]),
        ({"__en__", "__no__"}, "nob_Latn", ["__en__"], ["__no__"]),
        ({"__en__", "__zh__"}, "zho_Hans", ["__en__"], ["__zh__"]),
        ({"en_XX", "de_DE"}, "deu_Latn", ["en_XX"], ["de_DE"]),
        ({"<2fil>", "<2de>"}, "tgl_Latn", ["<2fil>"], []),
        ({"<2zh>", "<2zh_Hant>"}, "zho_Hant", ["<2zh_Hant>"], []),
        ({"<2yue>", "<2zh>"}, "yue_Hant", ["<2yue>"], []),
        ({">>cmn_Hans<<"}, "zho_Hans", [">>cmn_Hans<<"], []),
        ({">>cmn_Hant<<"}, "zho_Hant", [">>cmn_Hant<<"], []),
        ({"the", "der"}, "deu_Latn", [], []),
    ],
)
def test_language_tokens_of_each_family(vocabulary, code, before, prefix):
    tokens = LanguageTokens(vocabulary)
    assert tokens.before("eng_Latn", code) == before
    assert tokens.prefix(code) == prefix


@pytest.mark.parametrize(
    ("vocabulary", "code"),
    [
        ({"__en__", "__zh__"}, "zho_Hant"),
        ({"en_XX", "zh_CN"}, "zho_Hant"),
        ({"<2en>", "<2zh>"}, "zho_Hant"),
        ({">>eng<<", ">>zho<<"}, "zho_Hant"),
        ({"<2en>", "<2ks>"}, "kas_Deva"),
    ],
)
def test_a_script_that_the_model_cannot_be_asked_for(vocabulary, code):
    with pytest.raises(UserError, match="names no script"):
        LanguageTokens(vocabulary).check(set(), {code})


def test_cantonese_is_not_mandarin():
    with pytest.raises(UserError, match="no token for"):
        LanguageTokens({"__en__", "__zh__"}).check(set(), {"yue_Hant"})


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("opus-mt-en-de", {}),
        ("opus-mt-tc-big-en-de", {}),
        ("marian", {"source_lang": "eng", "target_lang": "deu"}),
        ("marian", {"source_lang": "en", "target_lang": "de"}),
    ],
)
def test_a_bilingual_model_takes_its_own_pair_only(tmp_path, name, settings):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokens = language_tokens(folder, {"the", "der"})
    tokens.check({"eng_Latn"}, {"deu_Latn"})
    with pytest.raises(UserError, match=r"into German \(deu_Latn\) only.*French"):
        tokens.check({"eng_Latn"}, {"fra_Latn"})
    with pytest.raises(UserError, match=r"from English \(eng_Latn\) only.*French"):
        tokens.check({"fra_Latn"}, {"deu_Latn"})


def test_a_bilingual_model_of_unknown_languages_takes_one_target(tmp_path):
    (tmp_path / "config.json").write_text("{damaged")
    tokens = language_tokens(tmp_path, {"the", "der"})
    tokens.check({"eng_Latn"}, {"deu_Latn"})
    with pytest.raises(UserError, match="one pair"):
        tokens.check({"eng_Latn"}, {"deu_Latn", "fra_Latn"})
