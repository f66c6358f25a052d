"""The files behind a path: a file, a glob, a folder, or a data set that `datasets` saved."""

import fnmatch
import json
import re
from collections import defaultdict

import pyarrow as pa
import pyarrow.fs

from polydistill.engine.errors import UserError
from polydistill.engine.files.decode import read_text
from polydistill.engine.files.json_text import parse_json
from polydistill.engine.files.source import COMPRESSED, FORMATS, File, bare_name
from polydistill.engine.storage.shards import Folder

# Files next to the rows in folders of data sets.
_NOT_ROWS = {"dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json", "manifest.json"} | {
    "mixture.json"  # of `polydistill export`
}
_NOTES = ("readme", "license", "licence", "requirements")
_SPLITS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation"} | {
    "dev": "validation",
    "val": "validation",
    "test": "test",
}


def find_files(path: str, split: str | None = None) -> list[File]:
    """The files with rows behind a path or URI, in the order of their names.

    Args:
        path: a file, a folder (searched at any depth), a glob ("data/*.jsonl"), or a folder of `save_to_disk`.
        split: "train", "test", ...: takes only the files of that split.

    Raises:
        UserError: nothing is there, or the files belong to several splits and `split` does not say which.
    """
    one = File.of(path)
    kind = one.filesystem.get_file_info(one.path).type
    if kind == pa.fs.FileType.File:
        return [one]
    if kind == pa.fs.FileType.NotFound:
        if not re.search(r"[*?\[]", one.path):
            raise UserError(f"{path}: no such file or folder")
        return _of_split(_glob(one), path, split)
    folder = Folder(one.filesystem, one.path.rstrip("/"))
    saved = _saved(folder, path, split)
    if saved is not None:
        return saved
    names = [name for name in folder.names(recursive=True) if _has_rows(name)]
    if not names:
        endings = ", ".join(dict.fromkeys(FORMATS))
        raise UserError(f"{path}: no file that ends in {endings} (also {', '.join(COMPRESSED)})")
    return _of_split([_in(folder, name, path) for name in names], path, split)


def _in(folder: Folder, name: str, path: str) -> File:
    return File(folder.filesystem, folder.join(name), f"{path.rstrip('/')}/{name}")


def _has_rows(name: str) -> bool:
    parts = name.split("/")
    bare = bare_name(name)
    hidden = any(part.startswith((".", "_")) for part in parts)
    known = any(bare.endswith(ending) for ending in FORMATS)
    return known and not hidden and bare not in _NOT_ROWS and not bare.startswith(_NOTES)


def _glob(pattern: File) -> list[File]:
    """The files that match; "*" stays within a folder, "**" does not."""
    fixed = re.split(r"[*?\[]", pattern.path)[0].rpartition("/")[0]
    folder = Folder(pattern.filesystem, fixed)
    # fnmatch's "*" crosses folders, so each part of the pattern is compared with its own part of the name.
    parts = pattern.path[len(fixed) :].lstrip("/").split("/")
    found = [name for name in folder.names(recursive=True) if _matches(name.split("/"), parts)]
    if not found:
        raise UserError(f"{pattern.name}: no file matches")
    return [File(folder.filesystem, folder.join(name), folder.join(name)) for name in found]


def _matches(names: list[str], parts: list[str]) -> bool:
    if not parts or not names:
        return not parts and not names
    if parts[0] == "**":
        return _matches(names, parts[1:]) or _matches(names[1:], parts)
    return fnmatch.fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])


def _of_split(files: list[File], path: str, split: str | None) -> list[File]:
    by_split: dict[str, list[File]] = defaultdict(list)
    for file in files:
        by_split[_split_of(file.name[len(path.rstrip("/")) :] or file.name)].append(file)
    if split is None:
        named = sorted(filter(None, by_split))
        if len(named) > 1:
            raise UserError(f"{path}: holds several splits ({', '.join(named)}). Choose one with `split`")
        return files
    wanted = by_split.get(_SPLITS.get(split, split))
    if not wanted:
        raise UserError(f"{path}: no split '{split}' (found: {', '.join(sorted(filter(None, by_split))) or 'none'})")
    return wanted


def _split_of(name: str) -> str:
    """The split that a file's name or folder says ("data/train-00000-of-00002.parquet"), "" for none."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((_SPLITS[word] for word in words if word in _SPLITS), "")


def _saved(folder: Folder, path: str, split: str | None) -> list[File] | None:
    """The files of a folder that `save_to_disk` wrote; None for any other folder."""
    if folder.exists("dataset_dict.json"):
        splits = _listed(folder, "dataset_dict.json", "splits", path)
        if split is None and len(splits) > 1:
            raise UserError(f"{path}: holds several splits ({', '.join(splits)}). Choose one with `split`")
        chosen = split or splits[0]
        if chosen not in splits:
            raise UserError(f"{path}: no split '{split}' (found: {', '.join(splits)})")
        return _saved(folder / chosen, f"{path.rstrip('/')}/{chosen}", None)
    if not folder.exists("state.json"):
        return None
    # The folder may hold files of an earlier save; the state lists those that count, in their order.
    files = _listed(folder, "state.json", "_data_files", path)
    return [_in(folder, name, path) for name in files]


def _listed(folder: Folder, name: str, key: str, path: str) -> list[str]:
    """A list of names in one of the JSON files of `save_to_disk`."""
    file = _in(folder, name, path)
    value = parse_json(read_text(file), file.name)
    found = value.get(key) if isinstance(value, dict) else None
    items = [item.get("filename") if isinstance(item, dict) else item for item in found or []]
    names = [item for item in items if isinstance(item, str) and item not in ("", "..") and "/" not in item]
    if not names or len(names) < len(items):
        raise UserError(f"{file.name}: damaged (expected names under '{key}', found {json.dumps(found)[:100]})")
    return names
