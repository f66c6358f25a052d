"""XCOPA: which of two sentences is the cause or the effect of a third, in 11 languages (Ponti et al. 2020, arXiv
2005.00333); English from COPA (Roemmele et al. 2011) in the same shape.

File: `<iso1>/test.<iso1>.jsonl` with premise, choice1, choice2, question ("cause" or "effect"), label (0 or 1), idx;
few-shot examples from `val`.

Metric: accuracy. By default (`choices: text`) the likelihood of "premise because choice" or "premise so choice" is
compared, with the connecting word of the language; `letter` and `generate` ask with an instruction. For Haitian
lm-evaluation-harness has the word for "why" in place of "because"; here it is put right.
"""

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.benchmark import ENGLISH, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.choices import accuracy, multiple_choice
from polydistill.eval.data.files import find, json_lines, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = "XCOPA"
ABOUT = {"xcopa": "causes and effects"}
HEADLINE = ("accuracy",)
KIND = "NLU"
MAX_TOKENS = 8
STOP = ("\n",)
EXAMPLES = "val"
SENTENCES = False
INSTRUCTIONS: dict[str, str] = {}  # the words that join the sentences are the language's own
LETTERED = {
    "cause": "Which sentence is the cause of the first one: A or B?",
    "effect": "Which sentence is the effect of the first one: A or B?",
}
# because - so
WORDS = {
    "en": ("because", "therefore"),
    "et": ("sest", "seetõttu"),
    "ht": ("paske", "donk"),
    "id": ("karena", "maka"),
    "it": ("perché", "quindi"),
    "qu": ("imataq", "chaymi"),
    "sw": ("kwa sababu", "kwa hiyo"),
    "ta": ("காரணமாக", "எனவே"),
    "th": ("เพราะ", "ดังนั้น"),
    "tr": ("çünkü", "bu yüzden"),
    "vi": ("bởi vì", "vì vậy"),
    "zh": ("因为", "所以"),
}


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    language = wanted.language
    split, iso = wanted.split or "test", get_language(language).iso1
    file = find(wanted.path, [f"{iso}/{split}.{iso}.jsonl", f"{split}.{iso}.jsonl"], f"xcopa in {language}")
    rows = enumerate(json_lines(file), 1)
    return {
        "xcopa": [_question(wanted, f"{file}:{number}", str(row.get("idx", number - 1)), row) for number, row in rows]
    }


def _question(wanted: Wanted, where: str, identity: str, row: dict[str, object]) -> Question:
    premise, *answers = (text_of(row, field, where) for field in ("premise", "choice1", "choice2"))
    asked, label = (text_of(row, field, where) for field in ("question", "label"))
    if asked not in LETTERED or label not in ("0", "1"):
        raise UserError(f"{where}: expected question cause or effect and label 0 or 1, found {asked!r} and {label!r}")
    language, right, how = wanted.language, int(label), wanted.task.choices or "text"
    if how != "text":
        instruction = wanted.instruction({ENGLISH: LETTERED[asked]})
        shown = f"{premise}\nA. {answers[0]}\nB. {answers[1]}"
        return multiple_choice(wanted, identity, instruction, shown, tuple(answers), right, how)
    words = WORDS.get(get_language(language).iso1, WORDS["en"])
    word = words[0] if asked == "cause" else words[1]
    premise = premise.strip().rstrip(".。!！?？")
    turkish = {"I": "ı", "İ": "i"} if language.startswith("tur_") else {}
    choices = tuple(" " + turkish.get(answer[:1], answer[:1].lower()) + answer[1:] for answer in answers)
    return multiple_choice(wanted, identity, f"{premise} {word}", "", choices, right, how, plain=True)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, task.choices or "text")
