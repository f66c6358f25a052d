"""Scorers against official rules, over at least 2,000 generated pairs each.

The answers are made from vocabularies of the languages: words with articles, punctuation of several scripts, digits,
case, doubled spaces. What is compared with is written here from each script's description, step by step and in another
way than in `eval.scoring`; scikit-learn, sacreBLEU and rouge_score are themselves.
"""

import random
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from polydistill.eval.data.choices import accuracy
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import bleu, chrf, rouge
from polydistill.eval.scoring.overlap import mkqa_em, mkqa_f1, mlqa_em, mlqa_f1, squad_em, squad_f1
from polydistill.eval.tasks.mkqa import tuned

PAIRS = 2000
WORDS = {
    "en": "the a an The dog barks Paris 1984 U.S. it's well-known house (old) end.",
    "de": "der die das ein eine Der Hund bellt München 1.234 »Haus« groß ist des",
    "es": "el la un una los perro España ¿qué? ¡sí! año de 12,5",
    "fr": "le la l'eau d'or un une des chien École « oui » 3",
    "it": "il lo la l'arte un' lavoro della casa È 7",
    "vi": "của là cái chiếc những nhà Hà Nội 10 con chó.",
    "ar": "ال الكلب كلب في باريس ١٩ بيت، هل؟ والبيت",
    "hi": "घर में है। एक कुत्ता 5",
    "zh": "北京 是 中国的首都 。 ， 一个 the 3 狗",
    "ja": "東京は 日本の首都 です。 、 犬 A",
    "th": "กรุงเทพ เป็น เมืองหลวง ของไทย 5 .",
    "ru": "Москва — столица. «Да» a the 3 дом",
    "tr": "İstanbul bir ışık, ev 4",
    "pt": "o a os as um uma cão São Paulo 2",
    "nl": "de het een hond huis. 1",
    "no": "en et ei hund hus",
}


def pairs(languages: str, salt: str) -> Iterator[tuple[str, str, str]]:
    """(language, answer, gold): golds of one to six words; answers that change, drop and add some of them."""
    names = languages.split()
    for number in range(PAIRS):
        generator = random.Random(f"{salt}{number}")
        language = names[number % len(names)]
        words = WORDS[language].split()
        gold = [generator.choice(words) for _ in range(generator.randrange(0, 7))]
        answer = [word for word in gold if generator.random() < 0.8]
        answer += [generator.choice(words) for _ in range(generator.randrange(0, 3))]
        answer = [word.upper() if generator.random() < 0.1 else word for word in answer]
        joined = (generator.choice((" ", " ", "  ", ", ", "\n")).join(part) for part in (answer, gold))
        yield language, *joined


def bag_f1(answer: list[str], gold: list[str]) -> float:
    same = sum(min(n, Counter(gold)[word]) for word, n in Counter(answer).items())
    return 0.0 if not same else 2 * (same / len(answer)) * (same / len(gold)) / (same / len(answer) + same / len(gold))


def squad_words(text: str) -> list[str]:
    """SQuAD 1.1: lower case, without ASCII punctuation, without a, an, the, at white space."""
    kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.split(r"\b(?:a|an|the)\b", kept)).split()


ARTICLES = {
    "en": "a|an|the",
    "es": "un|una|unos|unas|el|la|los|las",
    "vi": "của|là|cái|chiếc|những",
    "de": "ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des",
}


def mlqa_words(text: str, language: str) -> list[str]:
    """MLQA: lower case, without any punctuation, articles of the language, Chinese character by character."""
    kept = "".join(
        c for c in text.lower() if not unicodedata.category(c).startswith("P") and c not in string.punctuation
    )
    if language == "ar":
        kept = re.sub("\\sال^|ال", " ", kept)
    elif language in ARTICLES:
        kept = re.sub(rf"\b({ARTICLES[language]})\b", " ", kept)
    if language != "zh":
        return kept.split()
    words, run = [], ""
    for c in kept:
        if "\u4e00" <= c <= "\u9fa5":
            words += [*run.split(), c]
            run = ""
        else:
            run += c
    return words + run.split()


MKQA_ARTICLES = ARTICLES | {
    "pt": "o|a|os|as|um|uma|uns|umas",
    "nl": "de|het|een|des|der|den",
    "no": "en|et|ei",
}
MKQA_PREFIXES = {
    "fr": "le|la|l'|les|du|de|d'|des|un|une",
    "it": "il|lo|la|l'|i|gli|le|del|dello|della|dell'|dei|degli|degl'|delle|un'|uno|una|un",
}


def mkqa_words(text: str, language: str) -> list[str]:
    """MKQA: lower case, without ASCII punctuation, articles of the language, characters in Chinese, Japanese, Thai."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    if language == "ar":
        kept = re.sub("\\sال^|ال", " ", kept)
    elif language in MKQA_PREFIXES:
        kept = re.sub(rf"\b({MKQA_PREFIXES[language]})", " ", kept)
    elif language in MKQA_ARTICLES:
        kept = re.sub(rf"\b({MKQA_ARTICLES[language]})\b", " ", kept)
    return list("".join(kept.split())) if language in ("zh_cn", "ja", "th") else kept.split()


def test_squad() -> None:
    for _, answer, gold in pairs("en de es ar hi ru th tr vi zh", "squad"):
        words = squad_words(answer), squad_words(gold)
        assert (squad_f1(answer, gold), squad_em(answer, gold)) == (pytest.approx(bag_f1(*words)), words[0] == words[1])


def test_mlqa() -> None:
    for language, answer, gold in pairs("ar de en es hi vi zh", "mlqa"):
        words = mlqa_words(answer, language), mlqa_words(gold, language)
        found = mlqa_f1(answer, gold, language), mlqa_em(answer, gold, language)
        assert found == (pytest.approx(bag_f1(*words)), words[0] == words[1]), (language, answer, gold)


def test_mkqa() -> None:
    for language, answer, gold in pairs("ar de en es fr it ja nl no pt ru th tr vi zh", "mkqa"):
        code = "zh_cn" if language == "zh" else language
        words = mkqa_words(answer, code), mkqa_words(gold, code)
        wanted = float(words[0] == words[1]) if not words[0] or not words[1] else bag_f1(*words)
        found = mkqa_f1(answer, gold, code), mkqa_em(answer, gold, code)
        assert found == (pytest.approx(wanted), words[0] == words[1]), (language, answer, gold)


def test_the_threshold_of_mkqa() -> None:
    """Every threshold tried: the best F1 is the tuned one. 2,000 questions in sets of ten; no-answer scores tie."""
    for trial in range(PAIRS // 10):
        draw = np.random.default_rng(trial)
        known = (draw.random(10) < 0.6).tolist()
        texts = draw.choice(["", "x"], 10).tolist()
        f1 = [float(draw.choice([0, 0.5, 1])) if has else float(not text) for has, text in zip(known, texts)]
        doubt = draw.choice([0.1, 0.2, 0.3, 0.4, 0.7], 10).tolist()

        rows = list(zip(f1, doubt, known))
        totals = {t: sum(s if d <= t else float(not has) for s, d, has in rows) for t in [0.0, *doubt]}
        assert totals[tuned(f1, doubt, known, texts)] == pytest.approx(max(totals.values()))


def test_accuracy_is_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score

    draw = np.random.default_rng(0)
    questions, answers = [], []
    for number in range(PAIRS):
        choices = tuple("x" * int(n) for n in draw.integers(1, 30, 4))
        scores = tuple(draw.normal(-10, 3, 4).tolist())
        questions.append(Question(str(number), "deu_Latn", "?", choices=choices, right=int(draw.integers(4))))
        answers.append(Answer(scores=scores))
    plain, norm = accuracy(questions, answers, "text")
    right = [question.right for question in questions]
    table = np.array([answer.scores for answer in answers])
    lengths = np.array([[len(choice) for choice in question.choices] for question in questions])
    assert plain.value == pytest.approx(100 * accuracy_score(right, table.argmax(1)))
    assert norm.value == pytest.approx(100 * accuracy_score(right, (table / lengths).argmax(1)))


def test_candidates_that_tie_share_the_point() -> None:
    question = Question("q", "deu_Latn", "?", choices=("A", "B", "C", "D"), right=1)
    (measure,) = accuracy(
        [question] * 3, [Answer(scores=s) for s in ((0, 0, 0, 0), (-1, 0, 0, -1), (0, -1, -1, -1))], "letter"
    )
    assert measure.rows.tolist() == [25.0, 50.0, 0.0]


@pytest.mark.parametrize("tokenizer", ["13a", "intl", "char", "zh"])
def test_bleu_and_chrf_are_sacrebleus(tokenizer: str) -> None:
    from sacrebleu.metrics import BLEU, CHRF

    rows = list(pairs("en de es fr vi ar hi zh ja th ru tr", tokenizer))
    ids = [str(i) for i in range(len(rows))]
    answers, golds = [row[1] for row in rows], [row[2] for row in rows]
    official = BLEU(tokenize=tokenizer).corpus_score(answers, [golds])
    assert bleu(ids, answers, golds, tokenizer).value == pytest.approx(official.score)
    assert chrf(ids, answers, golds).value == pytest.approx(CHRF(word_order=2).corpus_score(answers, [golds]).score)


def rouge_words(stem: Callable[[str], str]) -> Callable[[str], list[str]]:
    """XL-Sum: lower case; letters, digits and everything else apart, of which the last goes; long words stemmed."""

    def words(text: str) -> list[str]:
        found = re.findall(r"[^\W\d_]+|\d+", text.lower())
        return [stem(word) if len(word) > 3 else word for word in found]

    return words


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [("eng_Latn", "en", "english"), ("deu_Latn", "de", "german"), ("fra_Latn", "fr", "french"), ("vie_Latn", "vi", "")],
)
def test_rouge_is_rouge_scores_over_xlsums_words(code: str, language: str, name: str) -> None:
    from nltk.stem.snowball import SnowballStemmer
    from rouge_score.rouge_scorer import RougeScorer

    class Tokenizer:
        tokenize = staticmethod(rouge_words(SnowballStemmer(name).stem if name else str))

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Tokenizer())
    rows = [(answer, gold) for _, answer, gold in pairs(language, "rouge")]
    official = [scorer.score(gold, answer) for answer, gold in rows]
    measures = rouge([str(i) for i in range(len(rows))], *(list(texts) for texts in zip(*rows)), code)
    if "+stopwords" in measures[0].signature:
        pytest.skip("NLTK's stop words are on this machine; the comparison is without them")
    for measure in measures:
        wanted = [100 * row[measure.name].fmeasure for row in official]
        assert measure.rows.tolist() == pytest.approx(wanted)
