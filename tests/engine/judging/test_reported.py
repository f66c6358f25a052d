"""What once passed the judge and must not, and what must pass: inputs that were reported, with their right values."""

import pytest

from polydistill.engine.judging.pairs import judge_pairs

MOUNTAINS = "In the mountains the weather changes quickly, and it often snows in winter."
APPLES = "I like to eat apples, he said yesterday evening at home."
STREETS = "The weather is nice and people walk in the streets of the city."


@pytest.mark.parametrize(
    ("source", "hypothesis", "target", "reason"),
    [
        (MOUNTAINS, "() () () ()", "de", "no_letters"),
        (MOUNTAINS, "……", "de", "no_letters"),
        ("What time is it?", "……", "de", "no_letters"),
        ("Yes.", "...", "ja", "no_letters"),
        (
            MOUNTAINS,
            "In ((( ))) ... [][][] ---- (((( )))) !!!! den. :: :: ;; ;; ## ## .. .. .. --",
            "de",
            "few_letters",
        ),
        ("What is the capital of Kenya, please?", "Nairobi Kenya", "ja", "wrong_script"),
        (APPLES, "我喜歡吃蘋果，他昨天晚上在家裡說。", "zho_Hans", "wrong_script"),
        (APPLES, "我喜欢吃苹果，他昨天晚上在家里说。", "zho_Hant", "wrong_script"),
        (STREETS, "Vreme je lepo i ljudi šetaju ulicama grada.", "srp_Cyrl", "wrong_script"),
        (STREETS, "Об-ҳаво яхши ва одамлар шаҳар кўчаларида юришади.", "uzn_Latn", "wrong_script"),
    ],
)
def test_what_must_not_pass(source: str, hypothesis: str, target: str, reason: str) -> None:
    assert judge_pairs([source], [hypothesis], "en", target)[0].reason == reason


@pytest.mark.parametrize(
    ("source", "hypothesis", "target"),
    [
        ("3 PM", "15:00", "de"),
        (APPLES, "我喜欢吃苹果，他昨天晚上在家里说。", "zho_Hans"),
        (APPLES, "我喜歡吃蘋果，他昨天晚上在家裡說。", "zho_Hant"),
        (STREETS, "Време је лепо и људи шетају улицама града.", "srp_Cyrl"),
    ],
)
def test_what_must_pass(source: str, hypothesis: str, target: str) -> None:
    assert judge_pairs([source], [hypothesis], "en", target)[0].usable


PROSE = [
    "* **Fox** is small\n* **Dog** is large\n* **Cat** is fast and likes milk",
    "- **Fox**: a small animal\n- **Dog**: a large animal",
    "| Name | Age |\n|---|---|\n| the little fox | three |\n| the dog | four |",
    "# The Fox\n\n## What it eats\n\n> small animals and fruit",
    '"Carpe diem": Seize the day.',
    "WHERE TO EAT",
    "The cat _____ on the mat and ____ the milk.",
    "I paid $5 and/or $10 for it - and/or more; or less.",
]
CODE = [
    "x = 5",
    "SELECT name FROM users",
    "SELECT name\nFROM users\nWHERE age > 5\nORDER BY name",
    '{"name": "Fox", "legs": 4, "food": ["mice", "fruit"]}',
    "for i in range(1, 101):\n    print(i)",
    "total = price * quantity + shipping_cost",
]


@pytest.mark.parametrize("text", PROSE)
def test_untranslated_prose_and_markdown_are_no_code(text: str) -> None:
    (judged,) = judge_pairs([text], [text], "en", "de")
    assert not judged.usable and "code" not in judged.flags


@pytest.mark.parametrize("text", CODE)
def test_code_may_stay_as_it_is(text: str) -> None:
    (judged,) = judge_pairs([text], [text], "en", "de")
    assert judged.usable and "code" in judged.flags


def test_chinese_with_brackets_is_no_code() -> None:
    (judged,) = judge_pairs(["我喜欢吃苹果(红色的)"], ["我喜欢吃苹果(红色的)"], "zh", "en")
    assert not judged.usable and "code" not in judged.flags
