"""Finding the file of a language pair in a folder: dictionaries and parallel text come as one file per pair."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language, language_code

_ALIASES = {"jpn_Jpan": ("jp",), "zho_Hans": ("zh-CN", "zh_CN", "cn"), "zho_Hant": ("zh-TW", "zh_TW", "tw")}
"""Names that published files use though they are no language codes (MUSE's en-jp, OPUS's zh_CN)."""


@dataclass(frozen=True)
class PairFile:
    """A file (or two, for line-by-line text) of a language pair."""

    path: Path
    inverted: bool  # the file's first language is the target
    other: Path | None = None  # line-by-line: the file of the second language


def spellings(flores: str) -> list[str]:
    """Names by which files call a language: deu_Latn, de, deu, de-Latn, de_Latn.

    An ISO code alone stands only for the script it usually means: en-zh is not Traditional Chinese.
    """
    it = get_language(flores)
    names = [it.code]
    for iso in filter(None, (it.iso1, it.iso3)):
        if language_code(iso) == it.code:
            names.append(iso)
        names += [f"{iso}-{it.script}", f"{iso}_{it.script}"]
    return [*names, *_ALIASES.get(flores, ())]


def find(folders: str | list[str], source: str, target: str) -> PairFile | None:
    """The file of (source, target) in the first of `folders` that has one; also a pair of line files.

    Files are named by their pair, `en-de.txt`, `en_de.tsv.gz`, `OPUS.en-de.tmx.tsv`, or, line by line, `x.en-de.en`
    and `x.en-de.de`. A file of the turned-round pair is the second choice, and marked as such.

    Raises:
        UserError: a folder does not exist.
    """
    for folder in [folders] if isinstance(folders, str) else folders:
        files = _files(folder)
        for first, second, inverted in ((source, target, False), (target, source, True)):
            found = _match(files, first, second, inverted)
            if found is not None:
                return found
    return None


def expected(source: str, target: str) -> str:
    """A few of the names looked for, for an error message."""
    first, second = get_language(source), get_language(target)
    return f"{first.locale}-{second.locale}.txt, {first.locale}_{second.locale}.tsv.gz, {first.code}-{second.code}.tsv"


def _files(folder: str) -> list[Path]:
    path = Path(folder)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{folder}: no such file or folder")
    return sorted(Path(root) / name for root, _, names in os.walk(path) for name in names)


def _match(files: list[Path], first: str, second: str, inverted: bool) -> PairFile | None:
    names = [(a, b) for a in spellings(first) for b in spellings(second)]
    pair = re.compile("|".join(rf"(?<![^._/-]){re.escape(a)}[-_]{re.escape(b)}(?=\.|$)" for a, b in names))
    hits = [path for path in files if pair.search(_stem(path))]
    whole = [path for path in hits if _last(path) not in {n for a, b in names for n in (a, b)}]
    if whole:
        return PairFile(whole[0], inverted)
    for a, b in names:
        ones, others = ([path for path in hits if _last(path) == name] for name in (a, b))
        if ones and others:
            return PairFile(ones[0], inverted, others[0])
    return None


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _last(path: Path) -> str:
    return _stem(path).rpartition(".")[2]
