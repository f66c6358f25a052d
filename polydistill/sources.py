"""Where published dictionaries, parallel texts and benchmarks come from, under the names that run files give them.

A run names a folder, e.g. `dictionaries: {path: data/muse}`. Its last part says which of these sources fills it. Every
address was compared with loaders in public repositories that use it (November 2026), and not opened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from polydistill.engine.languages import get_language

_GITHUB = "https://raw.githubusercontent.com"
_FAIR = "https://dl.fbaipublicfiles.com"


@dataclass(frozen=True)
class Wanted:
    """One file of a source."""

    name: str  # below the folder
    address: str  # below the source's base
    member: str = ""  # name in the archive that stands at `address`. "": the address is the file itself


@dataclass(frozen=True)
class Source:
    """A published collection of files."""

    title: str
    license: str
    base: str  # a URL, or hub:OWNER/NAME
    files: Callable[[str, Sequence[str]], list[Wanted]] = field(compare=False)  # (source language, targets)


def _iso1(code: str) -> str:
    return get_language(code).iso1 or get_language(code).iso3


def _alike(name: str, address: str = "{name}") -> Callable[[str, Sequence[str]], list[Wanted]]:
    """One file for each language. {code}, {iso1} and {language} stand for it."""

    def files(source: str, targets: Sequence[str]) -> list[Wanted]:
        found = []
        for code in dict.fromkeys([source, *targets]):
            names = {"code": code, "iso1": _iso1(code), "language": get_language(code).name.lower()}
            local = name.format(**names)
            found.append(Wanted(local, address.format(name=local, **names)))
        return found

    return files


def _both_ways(joint: str, end: str) -> Callable[[str, Sequence[str]], list[Wanted]]:
    def files(source: str, targets: Sequence[str]) -> list[Wanted]:
        pairs = [(_iso1(source), _iso1(target)) for target in targets]
        names = [f"{a}{joint}{b}{end}" for pair in pairs for a, b in (pair, pair[::-1])]
        return [Wanted(name, name) for name in names]

    return files


def _alma(source: str, targets: Sequence[str]) -> list[Wanted]:
    """Its pairs of English and another language, under their names in the repository. English stands second."""
    found = []
    for target in targets:
        pair = {_iso1(source), _iso1(target)}
        if "en" in pair and len(pair) == 2:
            (other,) = pair - {"en"}
            names = [f"train.{other}-en.{code}" for code in (other, "en")]
            found += [Wanted(name, f"{other}en/{name}") for name in names]
    return found


def _opus100(source: str, targets: Sequence[str]) -> list[Wanted]:
    pairs = ["-".join(sorted((_iso1(source), _iso1(target)))) for target in targets]
    return [Wanted(f"{pair}/train.parquet", f"{pair}/train-00000-of-00001.parquet") for pair in pairs]


def _in_archive(address: str, folder: str, names: Sequence[str]) -> Callable[[str, Sequence[str]], list[Wanted]]:
    """Files of one archive, or of one archive for each language where `address` has a placeholder."""

    def files(source: str, targets: Sequence[str]) -> list[Wanted]:
        found = {}
        for code in dict.fromkeys([source, *targets]):
            known = {"code": code, "iso1": _iso1(code), "language": get_language(code).name.lower().replace(" ", "_")}
            for name in names:
                local = name.format(**known)
                found[local] = Wanted(local, address.format(**known), f"{folder}{local}")
        return list(found.values())

    return files


DICTIONARIES = {
    "muse": Source("MUSE dictionaries", "CC BY-NC 4.0", f"{_FAIR}/arrival/dictionaries", _both_ways("-", ".txt")),
    "gatitos": Source(
        "GATITOS dictionaries", "CC BY 4.0", f"{_GITHUB}/google-research/url-nlp/main/gatitos", _both_ways("_", ".tsv")
    ),
}
"""Name of a folder -> what fills it."""

PARALLEL = {
    "opus100": Source("OPUS-100", "terms of its sources (OPUS)", "hub:Helsinki-NLP/opus-100", _opus100),
    "alma": Source("ALMA's parallel text", "MIT", f"{_GITHUB}/fe1ixxu/ALMA/master/human_written_data", _alma),
}
"""Name of a folder -> what fills it."""

PROMPTS = {
    "alpaca_de": Source(
        "Alpaca with its German",
        "CC BY-NC 4.0",
        f"{_GITHUB}/thisserand/alpaca-lora-finetune-language/main/data",
        lambda source, targets: [
            Wanted(name.rpartition("/")[2], name)
            for name in ("source_tasks/tasks_translated_en.json", "translated/translated_tasks_de_openai_12k.json")
        ],
    ),
}
"""Name of the folder that holds a source's file -> what fills it."""

BENCHMARKS = {
    "belebele": Source("BELEBELE", "CC BY-SA 4.0", "hub:facebook/belebele", _alike("{code}.jsonl", "data/{name}")),
    "flores": Source(
        "FLORES-200",
        "CC BY-SA 4.0",
        f"{_FAIR}/nllb",
        _in_archive("flores200_dataset.tar.gz", "flores200_dataset/", ("devtest/{code}.devtest", "dev/{code}.dev")),
    ),
    "mgsm": Source("MGSM", "CC BY-SA 4.0", f"{_GITHUB}/google-research/url-nlp/main/mgsm", _alike("mgsm_{iso1}.tsv")),
    "mkqa": Source(
        "MKQA",
        "CC BY-SA 3.0",
        "https://github.com/apple/ml-mkqa/raw/main/dataset",
        lambda source, targets: [Wanted("mkqa.jsonl.gz", "mkqa.jsonl.gz")],
    ),
    "mlqa": Source(
        "MLQA",
        "CC BY-SA 3.0",
        f"{_FAIR}/MLQA",
        _in_archive("MLQA_V1.zip", "MLQA_V1/", ("test/test-context-{iso1}-question-{iso1}.json",)),
    ),
    "off_target": Source(
        "Bactrian-X", "CC BY-NC 4.0", "hub:MBZUAI/Bactrian-X", _alike("{iso1}.json.gz", "data/{name}")
    ),
    "sib200": Source("SIB-200", "CC BY-SA 4.0", "hub:Davlan/sib200", _alike("{code}/test.tsv", "data/{name}")),
    "xcopa": Source(
        "XCOPA", "CC BY 4.0", f"{_GITHUB}/cambridgeltl/xcopa/master/data", _alike("{iso1}/test.{iso1}.jsonl")
    ),
    "xlsum": Source(
        "XL-Sum",
        "CC BY-NC-SA 4.0",
        "hub:csebuetnlp/xlsum",
        _in_archive("data/{language}_XLSum_v2.0.tar.bz2", "", ("{language}_test.jsonl", "{language}_val.jsonl")),
    ),
    "xnli": Source(
        "XNLI",
        "CC BY-NC 4.0",
        f"{_FAIR}/XNLI",
        _in_archive("XNLI-1.0.zip", "XNLI-1.0/", ("xnli.test.tsv", "xnli.dev.tsv")),
    ),
    "xquad": Source("XQuAD", "CC BY-SA 4.0", f"{_GITHUB}/google-deepmind/xquad/master", _alike("xquad.{iso1}.json")),
}
"""Benchmark -> what fills its folder."""
