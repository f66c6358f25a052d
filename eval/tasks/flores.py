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

from babel import Locale, UnknownLocaleError

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.eval.benchmark import ENGLISH, Sets, Wanted
from polydistill.eval.config import Task
from polydistill.eval.data.files import find, lines, names_of, tsv
from polydistill.eval.question import Answer, Question
from polydistill.eval.scoring.metrics import Measure, bleu, chrf
from polydistill.eval.scoring.sacrebleu_tokenizers import tokenizer_of

TITLE = "FLORES"
ABOUT = {"flores_into": "translation into the targets", "flores_from": "translation from the targets"}
HEADLINE = ("bleu", "comet")
KIND = "NLG"
MAX_TOKENS = 256
STOP = ()
EXAMPLES = "dev"
SENTENCES = True
INSTRUCTIONS = {
    ENGLISH: "Translate the following sentence from {source} to {target}.",
    "deu_Latn": "Übersetze den folgenden Satz von {source} nach {target}.",
    "spa_Latn": "Traduce la siguiente oración del {source} al {target}.",
    "ind_Latn": "Terjemahkan kalimat berikut dari bahasa {source} ke bahasa {target}.",
    "jpn_Jpan": "次の文を{source}から{target}に翻訳してください。",
    "zho_Hans": "请将下面的句子从{source}翻译成{target}。",
}


def questions(wanted: Wanted) -> Sets:
    """Both directions between source and language; see `eval.benchmark.Benchmark`."""
    task, path, source, language = wanted.task, wanted.path, wanted.source, wanted.language
    if language == source:
        return {}
    split = wanted.split or "devtest"
    left, right = sentences(path, source, split), sentences(path, language, split)
    if left.keys() != right.keys():
        raise UserError(
            f"{path}: {source} and {language} are not parallel in split '{split}' "
            f"({len(left)} and {len(right)} sentences, {len(left.keys() & right.keys())} in common)"
        )
    sets = {}
    if task.directions != "from":
        sets["flores_into"] = _ask(wanted, left, right, source, language)
    if task.directions != "into":
        sets["flores_from"] = _ask(wanted, right, left, language, source)
    return sets


def sentences(path: Path, language: str, split: str) -> dict[str, str]:
    """Sentences of one language by id (line number where the file has none)."""
    names = names_of(language)
    flores = [f"{split}/{language}.{split}", f"{language}.{split}", f"{split}/{names['iso3']}.{split}"]
    file = find(path, [*flores, f"{language}.tsv"], f"flores in {language}")
    if ".tsv" in file.name:
        return {row[0]: row[-1] for row in tsv(file, 2)}
    return {str(number): line for number, line in enumerate(lines(file))}


def _ask(wanted: Wanted, texts: dict[str, str], gold: dict[str, str], source: str, target: str) -> list[Question]:
    template = wanted.instruction(INSTRUCTIONS, source)
    native = wanted.native and template == INSTRUCTIONS.get(source)
    names = (_name(code, source if native else ENGLISH) for code in (source, target))
    instruction = template.format(**dict(zip(("source", "target"), names)))
    return [
        Question(key, source, instruction, text, (gold[key],), answer_language=target, source=text)
        for key, text in texts.items()
    ]


def _name(code: str, language: str) -> str:
    """Name of the language `code` in `language`; in English where CLDR has none."""
    if language == ENGLISH:
        return get_language(code).name
    try:
        return Locale.parse(get_language(code).locale).get_language_name(get_language(language).locale) or ""
    except (UnknownLocaleError, ValueError):
        return get_language(code).name


def score(questions: list[Question], answers: list[Answer], task: Task) -> list[Measure]:
    """BLEU and chrF++."""
    ids, texts = [question.id for question in questions], [answer.text for answer in answers]
    references = [question.gold[0] for question in questions]
    language = questions[0].answer_language if questions else ""
    return [
        bleu(ids, texts, references, tokenizer_of(task.bleu_tokenizer, language)),
        chrf(ids, texts, references),
    ]
