"""XQuAD: questions about a passage in 12 languages (Artetxe et al. 2020, arXiv 1910.11856).

File: `xquad.<iso1>.json[.gz]` in SQuAD 1.1's shape. 1,190 questions each; there is no other split, so few-shot
examples need a file of their own (`examples`).

Metrics: `f1` and `em` by SQuAD 1.1's English rules whatever the language, as XQuAD's README asks for; and `f1_language`
and `em_language` by MLQA's rules (articles of the language; Chinese, Japanese, Thai split into characters), because
the English rules make F1 almost an exact match in Chinese and Thai.
"""

from polydistill.eval.benchmark import Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data import spans
from polydistill.eval.data.files import find, names_of
from polydistill.eval.data.spans import answers_in, span_measures
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = "XQuAD"
ABOUT = {"xquad": "answers in a passage"}
HEADLINE = ("f1", "em")
KIND = "NLU"
MAX_TOKENS = 48
STOP = ("\n",)
EXAMPLES = ""
SENTENCES = False
INSTRUCTIONS = spans.INSTRUCTIONS


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    language, path = wanted.language, wanted.path
    names = [f"xquad.{names_of(language)['iso1']}.json", f"{language}.json"]
    file = path if path.is_file() else find(path, names, f"xquad in {language}")
    return {"xquad": answers_in(file, wanted)}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """F1 and exact match, by SQuAD's and by MLQA's rules."""
    return span_measures(questions, answers, ("squad", "mlqa"))
