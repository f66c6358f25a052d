"""mLAMA: facts as sentences with a gap, in 53 languages (Kassner et al. 2021, arXiv 2102.00894).

Files: `<iso1>/templates.jsonl` (relation, template "[X] was born in [Y] .") and `<iso1>/<relation>.jsonl` (sub_label,
obj_label, lineid). Metric: accuracy of the candidate that makes the sentence most likely. Candidates are the relation's
objects in that language ("typed" prediction in the paper), compared by likelihood per character of what follows the
gap's beginning.
"""

from collections.abc import Sequence
from pathlib import Path

from polydistill.engine.languages import get_language
from polydistill.engine.storage.names import file_name
from polydistill.eval.config import Task
from polydistill.eval.data.choices import accuracy, multiple_choice
from polydistill.eval.data.files import find, json_lines
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure

MAX_TOKENS = 8


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Questions of one language; see `eval.tasks`. Relations without a file are passed over, as the data has gaps."""
    folder = path / get_language(language).iso1
    templates = find(folder, ["templates.jsonl"], f"mlama in {language}")
    questions = []
    for row in json_lines(templates, ("relation", "template")):
        file = folder / f"{file_name(str(row['relation']), f'{templates}: relation')}.jsonl"
        template = str(row["template"])
        if file.is_file() and "[X]" in template and "[Y]" in template:
            facts = list(json_lines(file, ("sub_label", "obj_label")))
            objects = sorted({str(fact["obj_label"]) for fact in facts})
            for number, fact in enumerate(facts):
                identity = f"{row['relation']}:{fact.get('lineid', number)}"
                sentence = template.replace("[X]", str(fact["sub_label"]))
                questions.append(_question(task, language, identity, sentence, str(fact["obj_label"]), objects))
    return {"mlama": questions}


def _question(task: Task, language: str, identity: str, sentence: str, right: str, objects: Sequence[str]) -> Question:
    before, _, after = sentence.partition("[Y]")
    space = " " if before.endswith(" ") else ""
    choices = tuple(space + name + after for name in objects)
    index = objects.index(right)
    return multiple_choice(task, identity, language, before.rstrip(), "", choices, index, "text", plain=True)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy."""
    return accuracy(questions, answers, "text", task.normalize)
