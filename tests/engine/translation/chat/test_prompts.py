import pytest

from polydistill.engine.translation.chat.prompts import (
    family_of,
    language_content,
    takes_languages,
    translation_prompt,
)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("google/translategemma-4b-it", "translategemma"),
        ("Unbabel/TowerInstruct-7B-v0.2", "tower"),
        ("tencent/Hunyuan-MT-7B", "hunyuan"),
        ("haoranxu/ALMA-7B", "alma"),
        ("haoranxu/X-ALMA-13B-Group2", "xalma"),
        ("Qwen/Qwen3-8B", "chat"),
        ("/models/smollm2", "chat"),
    ],
)
def test_families_by_name(model, family):
    assert family_of(model) == family


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("tower", "Translate the following text from English into German.\nEnglish: Hi {x}\nGerman:"),
        ("alma", "Translate this from English to German:\nEnglish: Hi {x}\nGerman:"),
        ("hunyuan", "Translate the following segment into German, without additional explanation.\n\nHi {x}"),
    ],
)
def test_the_wording_of_a_family(family, expected):
    assert translation_prompt("Hi {x}", "eng_Latn", "deu_Latn", family) == expected


def test_translategemma_names_both_languages_and_codes():
    text = translation_prompt("Hi", "eng_Latn", "deu_Latn", "translategemma")
    assert "professional English (en) to German (de) translator" in text and text.endswith("into German:\n\n\nHi")


def test_the_two_scripts_of_chinese_are_told_apart():
    for target, name in (("zho_Hans", "Simplified Chinese"), ("zho_Hant", "Traditional Chinese")):
        assert name in translation_prompt("Hi", "eng_Latn", target, "chat")
    assert translation_prompt("Hi", "eng_Latn", "zho_Hant", "hunyuan").startswith("把下面的文本翻译成繁体中文")
    assert "德语" in translation_prompt("你好", "zho_Hans", "deu_Latn", "hunyuan")


def test_a_template_that_writes_the_wording_itself_gets_codes():
    """As TranslateGemma's: one part, with the languages' codes beside the text."""
    jinja2 = pytest.importorskip("jinja2")
    template = (
        "{% for m in messages %}{% set part = m['content'][0] %}"
        "{{ part['source_lang_code'] }}>{{ part['target_lang_code'] }}: {{ part['text'] }}{% endfor %}"
    )
    assert takes_languages(template) and not takes_languages("{{ messages[0]['content'] }}")
    content = language_content("Hi.", "eng_Latn", "zho_Hant")
    made = jinja2.Template(template).render(messages=[{"role": "user", "content": content}])
    assert made == "en>zh-TW: Hi."
