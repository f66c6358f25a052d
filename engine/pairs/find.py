"""Finding the files of a language pair in a folder: dictionaries and parallel text, as archives are published.

    en-de.txt, en_de.tsv.gz, eng_Latn-deu_Latn.tsv, WikiMatrix.en-de.tsv.gz    one file with both sides
    X.de-en.de + X.de-en.en, train.de + train.en                             Moses: a file for each side, line by line
    newstest2019-src.en.txt + newstest2019-ref.de.txt                        WMT and NTREX
    en-id/train-00000-of-00001.parquet, deu-eng/train.src.gz + train.trg.gz  the folder names the pair

The two sides of a pair come from one corpus: the names of both files are equal but for the language.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from polydistill.engine.errors import UserError
from polydistill.engine.files.source import COMPRESSED
from polydistill.engine.languages import get_language
from polydistill.engine.pairs.spellings import named_pairs, spelled

_FORMATS = (".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".csv", ".parquet", ".arrow")
_NO_TEXT = (".ids", ".id", ".xml", ".scores", ".md", ".html", ".tmx", ".sgm", ".align", ".info", ".yaml", ".py", ".sh")
_NOTES = ("readme", "license", "licence", "dataset_info", "dataset_dict", "state")
_SIDES = {"src": 0, "source": 0, "trg": 1, "tgt": 1, "target": 1}
_ROLE = re.compile(r"[-._](src|ref)$")
_SPLIT = re.compile(r"(?:^|[^a-z])(train|dev|devtest|valid|validation|test)(?![a-z])")


@dataclass(frozen=True)
class PairFile:
    """A file, or two for line-by-line text, of a language pair."""

    path: Path
    inverted: bool  # the file's first language is the target
    other: Path | None = None  # line-by-line: the file of the other language
    extra: str = ""  # the name without pair and ending: "" for en-de.txt, "0-5000" for en-de.0-5000.txt

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its one or two files."""
        return (self.path,) if self.other is None else (self.path, self.other)


@dataclass(frozen=True)
class _Half:
    """One side of line-by-line text."""

    path: Path
    corpus: str  # folder and name without the language
    language: str
    spelling: str  # of the language, in the file's name


def find_corpora(
    folders: str | Sequence[str], source: str, target: str, corpora: Sequence[str] | None = None
) -> list[PairFile]:
    """Every corpus of (source, target) in the folders, in the order of their names.

    Of several splits in one folder, dev and test are left out where there is a train.

    Args:
        folders: folders, searched at any depth, or files.
        source: FLORES-200 code, as `target`.
        corpora: only files whose path contains one of these names. None: all.

    Raises:
        UserError: a folder does not exist.
    """
    found: list[PairFile] = []
    for folder in [folders] if isinstance(folders, str) else folders:
        files = [path for path in _files(folder) if corpora is None or _is_one_of(path, folder, corpora)]
        found += _train_only(_whole(files, source, target) + _halves(files, source, target))
    return found


def find_one(folders: str | Sequence[str], source: str, target: str) -> PairFile | None:
    """The one file of (source, target) that has the plainest name; a dictionary is one file.

    A file of this direction comes before one of the other, in the first folder that has one. MUSE's `en-de.txt` comes
    before its `en-de.0-5000.txt`.
    """
    for folder in [folders] if isinstance(folders, str) else folders:
        found = [file for file in _whole(_files(folder), source, target) if file.other is None]
        if found:
            return min(found, key=lambda file: (file.inverted, len(file.extra), str(file.path)))
    return None


def expected(source: str, target: str) -> str:
    """A few of the names looked for, for an error message."""
    first, second = get_language(source), get_language(target)
    return f"{first.locale}-{second.locale}.txt, {first.locale}_{second.locale}.tsv.gz, {first.code}-{second.code}.tsv"


def stem(path: Path) -> str:
    """A file's name without the endings of its format and compression."""
    name = path.name
    for ending in (*COMPRESSED, *_FORMATS):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name


def _files(folder: str) -> list[Path]:
    path = Path(folder).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{folder}: no such file or folder")
    # A folder with a manifest.json is one of ours, such as a mixture that was written next to the parallel text.
    folders = ((root, names) for root, _, names in os.walk(path) if "manifest.json" not in names)
    files = (Path(root) / name for root, names in folders for name in names)
    return sorted(file for file in files if _is_text(file))


def _is_one_of(path: Path, folder: str, corpora: Sequence[str]) -> bool:
    inside = os.path.relpath(path, Path(folder).expanduser()) if Path(folder).is_dir() else path.name
    return any(name in inside for name in corpora)


def _is_text(path: Path) -> bool:
    name = path.name.lower()
    bare = re.sub(rf"({'|'.join(map(re.escape, COMPRESSED))})$", "", name)
    # OPUS' X.de-id.id is Indonesian, X.de-en.ids and Tatoeba's train.id are no text.
    numbers = bare.endswith(_NO_TEXT) and not (bare.endswith(".id") and bare not in ("train.id", "dev.id", "test.id"))
    return not numbers and not name.startswith((".", "_", *_NOTES))


def _whole(files: list[Path], source: str, target: str) -> list[PairFile]:
    """Files that hold both sides; their own name says the pair, or, for tables, their folder's."""
    found = []
    for path in files:
        name = stem(path)
        if name != path.name and name.rpartition(".")[2] in _SIDES:
            continue
        table = re.search(r"\.(parquet|arrow|jsonl|json|csv|tsv)(\.|$)", path.name)
        named = list(named_pairs(name)) or (list(named_pairs(path.parent.name)) if table else [])
        for pair in named:
            half = spelled(name.rpartition(".")[2]) in (source, target) and "." in name and len(named) == 1
            if {pair.first, pair.second} == {source, target} and not (half and not table):
                found.append(PairFile(path, pair.first == target, extra=pair.rest.strip("._- ")))
                break
    return found


def _halves(files: list[Path], source: str, target: str) -> list[PairFile]:
    """Pairs of files of one corpus, one for each side."""
    sides: dict[str, dict[str, Path]] = {}
    # The plainest spelling of a language counts: "spa" before its variant "spa-MX".
    for half in sorted(_sides(files, source, target), key=lambda half: len(half.spelling)):
        sides.setdefault(half.corpus, {}).setdefault(half.language, half.path)
    both = [found for _, found in sorted(sides.items()) if len(found) == 2]
    return [PairFile(found[source], False, found[target]) for found in both]


def _sides(files: list[Path], source: str, target: str) -> Iterator[_Half]:
    for path in files:
        name, _, last = stem(path).rpartition(".")
        corpus = f"{path.parent}/{_ROLE.sub('', name)}"
        if last in _SIDES and not any(path.name.endswith(f"{ending}") for ending in (".parquet", ".jsonl")):
            for pair in [*named_pairs(name), *named_pairs(path.parent.name)]:
                if {pair.first, pair.second} == {source, target}:
                    yield _Half(path, corpus, (pair.first, pair.second)[_SIDES[last]], last)
                    break
            continue
        language = spelled(last) if name else None
        named = [{pair.first, pair.second} for pair in named_pairs(name)]
        if language in (source, target) and (not named or {source, target} in named):
            yield _Half(path, corpus, str(language), last)


def _train_only(found: list[PairFile]) -> list[PairFile]:
    """Without dev and test files where their folder has a train file."""
    splits = [_split(file) for file in found]
    folders = {file.path.parent for file, split in zip(found, splits) if split == "train"}
    return [f for f, split in zip(found, splits) if split in ("", "train") or f.path.parent not in folders]


def _split(file: PairFile) -> str:
    match = _SPLIT.search(file.path.name.lower())
    return match.group(1) if match else ""
