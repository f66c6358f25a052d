"""MLQA: questions about a passage in 7 languages, also across languages (Lewis et al. 2020, arXiv 1910.07475).

File: `test/test-context-<iso1>-question-<iso1>.json` (SQuAD 1.1's shape); few-shot examples from
`dev/dev-context-...`. Here passage and question are in the same language (XLT's G-XLT pairs of different languages
would be sets of their own).

Metrics: `f1` and `em` by the official mlqa_evaluation_v1.py, see `eval.scoring.overlap`.
"""

from polydistill.eval.benchmark import Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data import spans
from polydistill.eval.data.files import find, names_of
from polydistill.eval.data.spans import answers_in, span_measures
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = "MLQA"
ABOUT = {"mlqa": "answers in a passage"}
HEADLINE = ("f1", "em")
KIND = "NLU"
MAX_TOKENS = 48
STOP = ("\n",)
EXAMPLES = "dev"
SENTENCES = False
INSTRUCTIONS = spans.INSTRUCTIONS


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    split, iso = wanted.split or "test", names_of(wanted.language)["iso1"]
    name = f"{split}-context-{iso}-question-{iso}.json"
    file = find(wanted.path, [f"{split}/{name}", name], f"mlqa in {wanted.language}")
    return {"mlqa": answers_in(file, wanted)}


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """F1 and exact match."""
    return span_measures(questions, answers, ("mlqa",))
