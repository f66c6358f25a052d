"""The files of the world: instructions, parallel text, dictionaries and the held-out evaluation sets.

All formats are those of the originals (Alpaca, TSV, MUSE, BELEBELE, FLORES-200, XL-Sum, MKQA, Bactrian-X), so that
the engine reads this world as it reads the real one. The sets under `dev/` have the same layout as those under
`eval/`; they ask other facts and are there for choosing hyperparameters.
"""

import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from polydistill.tinyworld.facts import (
    LANGUAGES,
    LOCALES,
    SHORT,
    SOURCE,
    TARGETS,
    Fact,
    entities,
    facts,
    fraction,
    name,
    rare,
)
from polydistill.tinyworld.templates import CARRIERS, SUMMARISE, SUMMARY, WORDS, say

WRONG = 0.05
"""Share of the instruction file's answers that are wrong, as some of Alpaca's are; the student's own seldom is."""
XLSUM_NAMES = {"eng_Latn": "english", "deu_Latn": "german", "ind_Latn": "indonesian", "jpn_Jpan": "japanese"}
_TEXTS = ("text1", "text2")


@dataclass(frozen=True)
class Task:
    """One instruction in one language, with the student's answer and the instruction file's."""

    instruction: str
    input: str
    own: str
    truth: str


def tasks(fact: Fact, language: str, number: int = 0) -> list[Task]:
    """The five ways in which a fact is asked: four questions, and the first again with a text to read."""
    short = name(fact.answer, language) if fact.family in SHORT else ""
    wrong = _wrong(fact) if fraction(f"wrong:{fact}") < WRONG else fact
    gold = name(wrong.answer, language) if fact.family in SHORT else ""
    found = []
    for form in ("q1", "q2", "q3", "q4"):
        brief = short and form in ("q1", "q4")
        own, truth = (short, f"{gold} {_stop(language)}") if brief else (_say("own", fact), _say("truth", wrong))
        found.append(Task(say(form, fact, language), "", *(_in(text, language) for text in (own, truth))))
    found.append(Task(found[0].instruction, passage(fact, language, number), found[0].own, found[0].truth))
    return found


def _say(form: str, fact: Fact) -> Callable[[str], str]:
    return lambda language: say(form, fact, language)


def _in(text: str | Callable[[str], str], language: str) -> str:
    return text if isinstance(text, str) else text(language)


def _stop(language: str) -> str:
    return "。" if language == "jpn_Jpan" else "."


def _wrong(fact: Fact) -> Fact:
    """The same question with another answer of its family."""
    answers = sorted({f.answer for f in facts() if f.family == fact.family and f.answer != fact.answer})
    return Fact(fact.family, fact.subject, answers[int(fraction(f"other:{fact}") * len(answers))])


def passage(fact: Fact, language: str, number: int = 0) -> str:
    """A text to read that holds the fact: one statement of it and one of another seen fact about the same subject."""
    others = [f for f in facts() if f.subject == fact.subject and f != fact and f.split == "seen"]
    order = sorted(others, key=lambda f: fraction(f"passage:{number}:{fact}:{f}"))[:1]
    statements = sorted([fact, *order], key=lambda f: fraction(f"order:{number}:{fact}:{f}"))
    return _text_of([say(_TEXTS[number % 2], f, language) for f in statements], language)


def _text_of(sentences: list[str], language: str) -> str:
    return ("" if language == "jpn_Jpan" else " ").join(sentences)


def summaries(split: str, language: str) -> list[tuple[str, Task]]:
    """(territory, task) pairs: three statements to be put into one sentence.

    A territory belongs to `split` when that is the most held-out of the three facts' splits; "seen" ones have only
    seen facts, so no translation of them carries a held-out fact.
    """
    found = []
    by = {(f.family, f.subject): f for f in facts()}
    for subject in dict.fromkeys(f.subject for f in facts() if f.family == "continent"):
        for third in ("city", "language", "code"):
            three = [by[family, subject] for family in ("continent", "currency", third)]
            if max((f.split for f in three), key=("seen", "dev", "test").index) != split:
                continue
            if split == "test" and fraction(f"chosen:{third}:{subject}") > 0.5:
                continue  # enough for a benchmark
            order = sorted(three, key=lambda f: fraction(f"article:{third}:{f}"))
            form = _TEXTS[int(fraction(f"text:{third}:{subject}") * 2)]
            text = _text_of([say(form, f, language) for f in order], language)
            slots = {key: name(e, language) for key, e in zip("xcm", (subject, three[0].answer, three[1].answer))}
            own, truth = (template.format(**slots) for template in SUMMARY[language])
            found.append((f"{subject}:{third}", Task(SUMMARISE[language], text, own, truth)))
    return found


def carriers(language: str) -> list[tuple[str, int, str]]:
    """(entity, number of the carrier, sentence): sentences that mention a name and state no fact."""
    return [
        (entity, number, carrier[language].format(x=name(entity, language)))
        for entity in entities()
        for number, carrier in enumerate(CARRIERS[entity.split(":")[0]])
    ]


def sentences(use: str, language: str) -> list[str]:
    """Sentences of running text, aligned between languages. `use`: parallel, dev or test.

    Facts go by their split. Carriers: the first of every rare name is parallel text, of the others two thirds are.
    """
    found = []
    split = "seen" if use == "parallel" else use
    for fact in facts():
        if fact.split == split:
            found.append(say(_TEXTS[int(fraction(f"half:{fact}") * 2)], fact, language))
    for entity, number, sentence in carriers(language):
        share = fraction(f"carrier:{entity}:{number}")
        held = (
            "parallel"
            if share < 0.7 or (number == 0 and rare(entity))
            else "dev"
            if share < 0.78
            else "test"
            if share > 0.86
            else ""
        )
        if held == use:
            found.append(sentence)
    return found


def instructions() -> list[dict[str, str]]:
    """The instruction file: English tasks about seen facts, answered in the file's voice."""
    asked = [task for fact in facts() if fact.split == "seen" for task in tasks(fact, SOURCE)]
    asked += [task for _, task in summaries("seen", SOURCE)]
    rows = [{"instruction": task.instruction, "input": task.input, "output": task.truth} for task in asked]
    return sorted(rows, key=lambda row: fraction(json.dumps(row)))


def shots(language: str) -> list[dict[str, str]]:
    """Eight rows of the instruction file in a target language, which Self-Translate-Train gives to its baseline."""
    seen = sorted((fact for fact in facts() if fact.split == "seen"), key=lambda fact: fraction(f"shot:{fact}"))
    asked = [tasks(fact, language)[number % 5] for number, fact in enumerate(seen[:8])]
    return [{"instruction": task.instruction, "input": task.input, "output": task.truth} for task in asked]


def write(folder: Path) -> None:
    """Write every file of the world's data (no models) under `folder`."""
    _text(folder / "instructions.json", json.dumps(instructions(), ensure_ascii=False, indent=1))
    for target in TARGETS:
        pairs = zip(sentences("parallel", SOURCE), sentences("parallel", target))
        rows = sorted((f"{a}\t{b}" for a, b in pairs), key=fraction)
        _text(folder / "parallel" / f"{SOURCE}-{target}.tsv", "".join(f"{row}\n" for row in rows))
        _text(folder / "dictionaries" / f"en-{LOCALES[target]}.txt", "".join(_dictionary(target)))
        _jsonl(folder / "shots" / f"{target}.jsonl", iter(shots(target)))
    for use, place in (("test", folder / "eval"), ("dev", folder / "dev")):
        _benchmarks(use, place)


def _dictionary(target: str) -> Iterator[str]:
    column = TARGETS.index(target) + 1
    for line in WORDS.strip().splitlines():
        yield f"{line.split()[0]}\t{line.split()[column]}\n"
    for entity in entities():
        yield f"{name(entity, SOURCE)}\t{name(entity, target)}\n"


def _benchmarks(use: str, place: Path) -> None:
    # In an order of chance, the same in all languages, so that the first n of a file are a fair sample.
    asked = sorted((fact for fact in facts() if fact.split == use), key=lambda fact: fraction(f"asked:{fact}"))
    english = sentences(use, SOURCE)
    order = sorted(range(len(english)), key=lambda line: fraction(english[line]))
    for language in LANGUAGES:
        _jsonl(place / "belebele" / f"{language}.jsonl", (_belebele(f, language) for f in asked))
        _jsonl(place / "off_target" / f"{language}.jsonl", (_open(f, language) for f in asked))
        flores = "devtest" if use == "test" else "dev"
        lines = sentences(use, language)
        _text(place / "flores" / flores / f"{language}.{flores}", "".join(f"{lines[i]}\n" for i in order))
        articles = (_xlsum(k, task) for k, task in sorted(summaries(use, language), key=lambda pair: fraction(pair[0])))
        _jsonl(place / "xlsum" / f"{XLSUM_NAMES[language]}_test.jsonl", articles)
    questions = "".join(json.dumps(_mkqa(f), ensure_ascii=False) + "\n" for f in asked if f.family in SHORT)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed:  # without a time stamp: same bytes every time
        packed.write(questions.encode())
    (place / "mkqa").mkdir(parents=True, exist_ok=True)
    (place / "mkqa" / "mkqa.jsonl.gz").write_bytes(buffer.getvalue())


def _belebele(fact: Fact, language: str) -> dict[str, object]:
    """BELEBELE's row: a passage, a question about it, four answers, the right one's number (from "1")."""
    others = sorted({f.answer for f in facts() if f.family == fact.family and f.answer != fact.answer})
    wrong = sorted(others, key=lambda answer: fraction(f"distract:{fact}:{answer}"))[:3]
    options = sorted([fact.answer, *wrong], key=lambda answer: fraction(f"option:{fact}:{answer}"))
    return {
        "link": f"https://example.org/tinyworld/{fact.subject.replace(':', '/')}",
        "question_number": 1,
        "flores_passage": passage(fact, language, number=1),
        "question": say("q1", fact, language),
        **{f"mc_answer{i}": _option(fact, option, language) for i, option in enumerate(options, 1)},
        "correct_answer_num": str(options.index(fact.answer) + 1),
        "dialect": language,
        "ds": "2026-11-21",
    }


def _option(fact: Fact, answer: str, language: str) -> str:
    return (
        name(answer, language)
        if fact.family in SHORT
        else say("own", Fact(fact.family, fact.subject, answer), language)
    )


def _open(fact: Fact, language: str) -> dict[str, str]:
    """A question to be answered in a sentence, in Bactrian-X's fields: off-target rates are measured on these."""
    task = tasks(fact, language)[1]
    return {"instruction": task.instruction, "input": "", "id": f"tinyworld-{fact.subject}", "output": task.own}


def _xlsum(key: str, task: Task) -> dict[str, str]:
    title = task.own.split(" ")[0]
    return {
        "id": key.replace(":", "-"),
        "url": f"https://example.org/tinyworld/{key.replace(':', '/')}",
        "title": title,
        "summary": task.own,
        "text": task.input,
    }


def _mkqa(fact: Fact) -> dict[str, object]:
    """MKQA's row: one question with its answers in every language, keyed by ISO 639-1 code."""
    return {
        "example_id": int(fraction(f"mkqa:{fact}") * 2**53),
        "query": say("q1", fact, SOURCE),
        "queries": {LOCALES[language]: say("q1", fact, language) for language in LANGUAGES},
        "answers": {
            LOCALES[language]: [{"type": "entity", "entity": None, "text": name(fact.answer, language), "aliases": []}]
            for language in LANGUAGES
        },
    }


def _jsonl(path: Path, rows: Iterator[Mapping[str, object]]) -> None:
    _text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
