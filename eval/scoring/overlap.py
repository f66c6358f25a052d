"""Exact match and token F1 between short answers, by the rules of three official scripts.

  squad   SQuAD 1.1's evaluate script (also XQuAD's, by its README): lower case, ASCII punctuation removed, English
          articles removed, tokens at white space
  mlqa    MLQA's mlqa_evaluation_v1.py: all Unicode punctuation removed, articles of the language removed, Chinese
          split into characters. Languages that MLQA lacks: no articles; those without spaces are split likewise.
  mkqa    MKQA's mkqa_eval_util.py: ASCII punctuation removed, articles of the language removed, every character a
          token in Chinese, Japanese, Thai and Khmer

Their quirks are kept on purpose, since published numbers contain them: MKQA's French and Italian articles also match
the beginning of a longer word, Arabic loses every "ال", and two texts of which nothing remains get F1 0 from SQuAD
and MLQA but 1 from MKQA.
"""

import functools
import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

Metric = Callable[[str, str, str], float]

_ASCII = str.maketrans("", "", string.punctuation)
_ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
    "de": "ein eine einen einem eines einer der die das den dem des",
}
_MKQA_ARTICLES = _ARTICLES | {
    "nl": "de het een des der den",
    "sv": "en ett",
    "da": "en et",
    "no": "en et ei",
    "pt": "o a os as um uma uns umas",
    "fi": "se yks yksi",
    "hu": "a az egy",
}
# Without a boundary at the end: "la" also goes from the front of "lavoro". Alternatives are tried in this order.
_MKQA_OPEN = {
    "fr": "le la l' les du de d' des un une",
    "it": "il lo la l' i gli le del dello della dell' dei degli degl' delle un' uno una un",
}
_MKQA_CHARACTERS = {"zh_cn", "zh_hk", "zh_tw", "ja", "th", "km"}
_CHINESE = re.compile("[\u4e00-\u9fa5]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


@functools.cache
def _articles(language: str, mkqa: bool) -> re.Pattern[str] | None:
    if language == "ar":
        return re.compile("\\sال^|ال")
    if mkqa and language in _MKQA_OPEN:
        return re.compile(r"\b(" + "|".join(_MKQA_OPEN[language].split()) + ")")
    words = (_MKQA_ARTICLES if mkqa else _ARTICLES).get(language)
    return re.compile(r"\b(" + "|".join(words.split()) + r")\b") if words else None


@functools.cache
def _all_punctuation() -> dict[int, None]:
    found = (i for i in range(sys.maxunicode + 1) if unicodedata.category(chr(i)).startswith("P"))
    return dict.fromkeys([*found, *map(ord, string.punctuation)])


def squad_tokens(text: str, language: str = "en") -> list[str]:
    """Tokens by SQuAD's rules, whatever the language."""
    text = text.lower().translate(_ASCII)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def mlqa_tokens(text: str, language: str) -> list[str]:
    """Tokens by MLQA's rules. `language` is an ISO 639-1 code."""
    text = text.lower().translate(_all_punctuation())
    articles = _articles(language, False)
    text = articles.sub(" ", text) if articles else text
    if language == "zh":
        text = _CHINESE.sub(lambda match: f" {match[0]} ", text)
    elif language in ("ja", "th", "km", "lo", "my"):
        text = _UNSPACED.sub(lambda match: f" {match[0]} ", text)
    return text.split()


def mkqa_tokens(text: str, language: str) -> list[str]:
    """Tokens by MKQA's rules. `language` is MKQA's code."""
    text = text.lower().translate(_ASCII)
    articles = _articles(language, True)
    text = articles.sub(" ", text) if articles else text
    return [c for c in text if c.strip()] if language in _MKQA_CHARACTERS else text.split()


def f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    """Harmonic mean of precision and recall over two bags of tokens; 0 where they share none."""
    common = sum((Counter(answer) & Counter(gold)).values())
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(gold)
    return 2 * precision * recall / (precision + recall)


def squad_f1(answer: str, gold: str, language: str = "en") -> float:
    """F1 by SQuAD's rules."""
    return f1(squad_tokens(answer), squad_tokens(gold))


def squad_em(answer: str, gold: str, language: str = "en") -> float:
    """Exact match by SQuAD's rules."""
    return float(squad_tokens(answer) == squad_tokens(gold))


def mlqa_f1(answer: str, gold: str, language: str) -> float:
    """F1 by MLQA's rules."""
    return f1(mlqa_tokens(answer, language), mlqa_tokens(gold, language))


def mlqa_em(answer: str, gold: str, language: str) -> float:
    """Exact match by MLQA's rules."""
    return float(mlqa_tokens(answer, language) == mlqa_tokens(gold, language))


def mkqa_f1(answer: str, gold: str, language: str) -> float:
    """F1 by MKQA's rules: "" (or nothing but articles and punctuation) agrees with itself."""
    found, wanted = mkqa_tokens(answer, language), mkqa_tokens(gold, language)
    return float(found == wanted) if not found or not wanted else f1(found, wanted)


def mkqa_em(answer: str, gold: str, language: str) -> float:
    """Exact match by MKQA's rules."""
    return float(mkqa_tokens(answer, language) == mkqa_tokens(gold, language))


def best(metric: Metric, answer: str, golds: Sequence[str], language: str) -> float:
    """The best score against any of the acceptable answers; 0 where there are none."""
    return max((metric(answer, gold, language) for gold in golds), default=0.0)
