"""Off-target rate: how often a question in one language is answered in another (SDRRL, arXiv 2402.12204, section 4).

Any question file will do (the paper: Dolly and Bactrian-X). `path` is one file whose name holds a placeholder for
the language ({code} deu_Latn, {iso1} de, {iso3} deu, {name} german), or a folder with `<code>.jsonl`, `<iso1>.jsonl`,
`<iso1>.json` (Bactrian-X) or `<name>.jsonl`. A row has `instruction` and perhaps `input` or `context` (Dolly), or
`question`. Answers that came with the data (`output`, `response`) tell how often language ID errs on good text; it
is printed with the rate as `off_target_gold`, since the rate is no better than that.
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.eval.benchmark import Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.files import checked, find, json_file, json_lines, names_of, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

TITLE = ""
ABOUT = {"off_target": "answers in another language"}
HEADLINE = ("off_target",)
KIND = ""
MAX_TOKENS = 128
STOP = ()
EXAMPLES = ""
SENTENCES = True
INSTRUCTIONS: dict[str, str] = {}  # the question is the prompt


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`."""
    path, language, names = wanted.path, wanted.language, names_of(wanted.language)
    if "{" in str(path):
        file = find(Path("."), [str(path).format(**names)], f"off_target in {language}")
    else:
        tried = [f"{names[kind]}{end}" for kind in ("code", "iso1", "name") for end in (".jsonl", ".json")]
        file = find(path, tried, f"off_target in {language}")
    return {"off_target": [_question(row, where, language) for where, row in _rows(file)]}


def _rows(file: Path) -> list[tuple[str, dict[str, object]]]:
    whole = file.name.removesuffix(".gz").endswith(".json")
    rows = json_file(file) if whole else list(json_lines(file))
    if not isinstance(rows, list):
        raise UserError(f"{file}: expected a list of rows, found {type(rows).__name__}")
    return [(f"{file}:{number}", checked(row, (), f"{file}:{number}")) for number, row in enumerate(rows, 1)]


def _question(row: dict[str, object], where: str, language: str) -> Question:
    def first(*fields: str) -> str:
        return next((text_of(row, field, where) for field in fields if row.get(field)), "")

    instruction = first("instruction", "question")
    if not instruction:
        raise UserError(f"{where}: neither 'instruction' nor 'question' (has: {', '.join(row)})")
    gold = first("output", "response")
    identity = str(row.get("id", where.rpartition(":")[2]))
    golds = (gold,) if gold else ()
    shown = first("input", "context")
    return Question(identity, language, instruction, shown, golds, answer_language=language)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Nothing of its own: `eval.reporting.measuring` measures the off-target rate of all sets with SENTENCES."""
    return []
