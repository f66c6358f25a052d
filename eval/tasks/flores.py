"""FLORES-200 and FLORES-101: translation between English and the targets (NLLB Team 2022, arXiv 2207.04672).

Files: `devtest/<code>.devtest` (1,012 sentences) and `dev/<code>.dev` (997), one sentence per line, lines parallel in
all languages; FLORES-101 names files by ISO 639-3 (`deu.devtest`). A folder of `<code>.tsv` files with "id TAB text"
(the shape in which SIB-200 gives the same sentences) is read as well; ids join the languages then.

Sets: `flores_into` (source language -> target, "En-X") and `flores_from` (target -> source language, "X-En").
Prompt: SDRRL's translation instruction (arXiv 2402.12204). Metrics: sacreBLEU BLEU with its signature (the paper:
nrefs:1|case:mixed|eff:no|tok:flores200|smooth:exp), chrF++, and COMET where a model is configured.
Few-shot examples come from `dev`.
"""

from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.config import Task
from polydistill.eval.data.files import find, lines, names_of, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, bleu, chrf
from polydistill.eval.scoring.sacrebleu_tokenizers import tokenizer_of

MAX_TOKENS = 256
INSTRUCTION = "Translate the following sentence from {source} to {target}."


def load(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Both directions between `source` and `language`; see `eval.tasks`."""
    if language == source:
        return {}
    split = task.split or "devtest"
    left, right = sentences(path, source, split), sentences(path, language, split)
    if left.keys() != right.keys():
        raise UserError(
            f"{path}: {source} and {language} are not parallel in split '{split}' "
            f"({len(left)} and {len(right)} sentences, {len(left.keys() & right.keys())} in common)"
        )
    sets = {}
    if task.directions != "from":
        sets["flores_into"] = _ask(task, left, right, source, language)
    if task.directions != "into":
        sets["flores_from"] = _ask(task, right, left, language, source)
    return sets


def examples(task: Task, path: Path, language: str, source: str) -> dict[str, list[Question]]:
    """Sentences of the dev split."""
    return load(task.model_copy(update={"split": "dev"}), path, language, source)


def sentences(path: Path, language: str, split: str) -> dict[str, str]:
    """Sentences of one language by id (line number where the file has none)."""
    names = names_of(language)
    flores = [f"{split}/{language}.{split}", f"{language}.{split}", f"{split}/{names['iso3']}.{split}"]
    file = find(path, [*flores, f"{language}.tsv"], f"flores in {language}")
    if ".tsv" in file.name:
        return {row[0]: row[-1] for row in tsv(file, 2)}
    return {str(number): line for number, line in enumerate(lines(file))}


def _ask(task: Task, texts: dict[str, str], gold: dict[str, str], source: str, target: str) -> list[Question]:
    template = task.said(source, INSTRUCTION)
    instruction = template.format(source=get_language(source).name, target=get_language(target).name)
    return [
        Question(key, source, instruction, text, (gold[key],), answer_language=target, source=text)
        for key, text in texts.items()
    ]


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """BLEU and chrF++."""
    ids, texts = [question.id for question in questions], [answer.text for answer in answers]
    references = [question.gold[0] for question in questions]
    language = questions[0].answer_language if questions else ""
    return [
        bleu(ids, texts, references, tokenizer_of(task.bleu_tokenizer, language)),
        chrf(ids, texts, references),
    ]
