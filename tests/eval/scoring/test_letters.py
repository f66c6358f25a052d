"""Letters in generated answers, in sentences that speakers of many languages and models write."""

import random

import pytest

from polydistill.eval.scoring.letters import read_letter

# A sentence for each language with a place for the letter; none of them holds another of A to D by itself.
SENTENCES = {
    "en": [
        "The answer is {}.",
        "I think the answer is {}.",
        "Answer: {}",
        "({}) because it says so",
        "{}) the dog",
        "{}.",
    ],
    "de": ["Die Antwort ist {}.", "Richtig ist Antwort {}, denn so steht es da.", "Ich denke, {} ist richtig."],
    "fr": ["La bonne réponse est {}.", "C'est la réponse {}.", "Je pense que c'est {}.", "D'après le texte, {}."],
    "es": ["La respuesta correcta es {}.", "Y la respuesta es {}", "Creo que es la opción {}."],
    "tr": ["Doğru cevap: {}.", "Cevap {} şıkkıdır."],
    "vi": ["Đáp án đúng là {}.", "Câu trả lời là {}"],
    "ru": ["Правильный ответ: {}.", "Ответ — {}", "Я думаю, что это {}."],
    "el": ["Η σωστή απάντηση είναι {}.", "Απάντηση: {}"],
    "ar": ["الإجابة الصحيحة هي {}.", "الجواب: {}"],
    "hi": ["सही उत्तर {} है।", "उत्तर: {}"],
    "ko": ["정답은 {}입니다.", "정답: {}", "답은 {}이다."],
    "ja": ["正解は{}です。", "答えは「{}」です。", "{}が正解です。", "答え：{}"],
    "zh": ["答案是{}。", "正确答案为{}，因为文中提到。", "选{}", "我认为答案是{}。"],
    "th": ["คำตอบคือ{}", "คำตอบที่ถูกต้องคือ {} ครับ", "ข้อ{}"],
    "km": ["ចម្លើយគឺ{}", "ចម្លើយត្រឹមត្រូវគឺ {}"],
}
FULL_WIDTH = {ord(letter): chr(ord(letter) + 0xFEE0) for letter in "ABCD"}


@pytest.mark.parametrize("language", SENTENCES)
def test_every_sentence_of_every_language_is_read(language: str) -> None:
    """2,000 answers in all: each sentence with each letter, plain, full-width, with space and marks around."""
    generator = random.Random(language)
    for _ in range(2000 // len(SENTENCES)):
        letter = generator.choice("ABCD")
        sentence = generator.choice(SENTENCES[language])
        shown = letter.translate(FULL_WIDTH) if generator.random() < 0.2 else letter
        text = generator.choice(["{}", " {} ", "\n{}", "{}\n\nmore", "**{}**"]).format(sentence.format(shown))
        assert read_letter(text, "ABCD") == letter, text


@pytest.mark.parametrize(
    ("text", "letters", "found"),
    [
        ("b)", "ABCD", "B"),
        ("I", "ABCD", ""),
        ("I", "ABCDEFGHI", "I"),
        ("E", "ABCD", ""),
        ("BERLIN", "ABCD", ""),
        ("U.S.A", "ABCD", ""),
        ("", "ABCD", ""),
        ("42", "ABCD", ""),
        ("B2", "ABCD", ""),
        ("ÄB", "ABCD", ""),
        ("C'est clair", "ABCD", ""),
    ],
)
def test_what_is_no_letter_of_the_question_is_not_read(text: str, letters: str, found: str) -> None:
    assert read_letter(text, letters) == found
