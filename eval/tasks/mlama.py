"""mLAMA: facts as sentences with a gap, in 53 languages (Kassner et al. 2021, arXiv 2102.00894).

Files: `<iso1>/templates.jsonl` (relation, template "[X] was born in [Y] .") and `<iso1>/<relation>.jsonl` (sub_label,
obj_label, lineid). Candidates are the relation's objects in that language ("typed" prediction in the paper), each
together with what follows the gap.

Metrics: share of facts whose object is the most likely candidate. `accuracy` is the paper's: mean log-probability per
token, share per relation, then the mean over relations. `accuracy_micro` counts every fact alike.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from polydistill.engine.languages import get_language
from polydistill.engine.storage.names import file_name
from polydistill.eval.benchmark import Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.choices import credit, multiple_choice
from polydistill.eval.data.files import find, json_lines, text_of
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, mean, weighted_mean

TITLE = "mLAMA"
ABOUT = {"mlama": "facts"}
HEADLINE = ("accuracy",)
KIND = "NLU"
MAX_TOKENS = 8
STOP = ("\n",)
EXAMPLES = ""
SENTENCES = False
INSTRUCTIONS: dict[str, str] = {}  # the sentence is the prompt


def questions(wanted: Wanted) -> Sets:
    """Questions of one language; see `eval.benchmark.Benchmark`. Relations without a file are passed over, as the
    data has gaps."""
    folder = wanted.path / get_language(wanted.language).iso1
    templates = find(wanted.path, [f"{folder.name}/templates.jsonl"], f"mlama in {wanted.language}")
    found = []
    for number, row in enumerate(json_lines(templates), 1):
        relation, template = (text_of(row, field, f"{templates}:{number}") for field in ("relation", "template"))
        file = folder / f"{file_name(relation, f'{templates}:{number}: relation')}.jsonl"
        if file.is_file() and "[X]" in template and "[Y]" in template:
            found += _facts(wanted, file, relation, template)
    return {"mlama": found}


def _facts(wanted: Wanted, file: Path, relation: str, template: str) -> list[Question]:
    facts = [
        (str(row.get("lineid", number)), *(text_of(row, field, f"{file}:{number + 1}") for field in FIELDS))
        for number, row in enumerate(json_lines(file))
    ]
    objects = sorted({object_ for _, _, object_ in facts})
    return [
        _question(wanted, f"{relation}:{line}", template.replace("[X]", subject), object_, objects)
        for line, subject, object_ in facts
    ]


FIELDS = ("sub_label", "obj_label")


def _question(wanted: Wanted, identity: str, sentence: str, right: str, objects: Sequence[str]) -> Question:
    before, _, after = sentence.partition("[Y]")
    space = " " if before.endswith(" ") else ""
    choices = tuple(space + name + after for name in objects)
    return multiple_choice(wanted, identity, before.rstrip(), "", choices, objects.index(right), "text", plain=True)


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """Accuracy over relations and over facts."""
    ids = [question.id for question in questions]
    relations = [identity.partition(":")[0] for identity in ids]
    size = Counter(relations)
    hits = [credit(q, a, a.lengths or (1.0,) * len(q.choices)) for q, a in zip(questions, answers)]
    signature = "choices:text|norm:tokens|ties:shared"
    weights = [1 / size[relation] for relation in relations]
    return [
        weighted_mean("accuracy", ids, hits, weights, f"{signature}|mean:relations"),
        mean("accuracy_micro", ids, hits, f"{signature}|mean:facts"),
    ]
