"""What a run needs from elsewhere: models and data sets of the hub, and files of published sources."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from polydistill.downloads import Files, Found
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.sources import on_hub
from polydistill.run_config import RunConfig
from polydistill.sources import BENCHMARKS, DICTIONARIES, PARALLEL

UNNEEDED = ("*.h5", "*.msgpack", "*.ot", "*.onnx", "onnx/*", "*.gguf", "*.pth", "original/*")
"""Copies of the same weights for other libraries."""


@dataclass(frozen=True)
class Item:
    """A model or data set on the hub."""

    key: str  # of the configuration
    name: str  # OWNER/NAME
    kind: str  # model or dataset
    size: int = 0  # bytes that would be fetched
    license: str = "unknown"
    present: bool = False  # in the hub's local cache

    def __str__(self) -> str:
        return _line(self.kind, self.name, None if self.present else self.size, self.license, self.key)


def _line(kind: str, name: str, size: int | None, license: str, key: str) -> str:
    """One line of the list. `size` in bytes, None: it is here."""
    state = "here" if size is None else f"{size / 1e9:,.2f} GB" if size >= 1e7 else f"{size / 1e6:,.2f} MB"
    return f"{kind:8} {name:45} {state:>10}  license: {license}  ({key})"


def line(files: Files, found: Found) -> str:
    """The files of a source as a line of the same list."""
    name = f"{files.source.title}, {len(files.wanted)} files"
    return _line("files", name, found.size if files.missing else None, files.source.license, files.key)


def wanted(run: RunConfig) -> list[Item]:
    """What the run names by hub id. Whatever is a local path is not listed."""
    quality, comet = run.judge.quality, run.eval.comet if run.eval else None
    named = [
        ("student.model", run.student.model if run.student else None, "model"),
        ("student.reward.model", run.student.reward.model if run.student and run.student.reward else None, "model"),
        ("translate.model", run.translate.model if run.translate else None, "model"),
        ("judge.quality.model", quality.model if quality else None, "model"),
        ("eval.comet", comet, "model"),
        *(
            ("prompts.path", source.path.removeprefix("hub:"), "dataset")
            for source in run.prompts
            if on_hub(source.path)
        ),
        *((f"eval.tasks.{task.task}", task.path, "dataset") for task in (run.eval.tasks if run.eval else [])),
    ]
    items = [Item(key, name, kind) for key, name, kind in named if name and _is_id(name)]
    return list({(item.name, item.kind): item for item in items}.values())


def files(run: RunConfig) -> list[Files]:
    """Files of published sources, which the run reads from folders of their names. Other folders are not listed."""
    found = []
    pairs = [(source.language or run.source, run.targets) for source in run.prompts] or [(run.source, run.targets)]
    for key, section, known in (
        ("dictionaries.path", run.dictionaries, DICTIONARIES),
        ("parallel.path", run.parallel, PARALLEL),
    ):
        named = [] if section is None else [section.path] if isinstance(section.path, str) else section.path
        for folder in map(Path, named):
            if source := known.get(folder.name.lower()):
                wanted = [each for language, targets in pairs for each in source.files(language, targets)]
                found.append(Files(key, source, folder, tuple(dict.fromkeys(wanted))))
    for task in run.eval.tasks if run.eval else []:
        assert run.eval is not None
        place, benchmark = run.eval.path(task), BENCHMARKS.get(task.task)
        if benchmark and not _is_id(place) and Path(place).name == task.task:
            languages = task.languages or run.eval.languages
            asked = benchmark.files(languages[0], languages[1:])
            found.append(Files(f"eval.tasks.{task.task}", benchmark, Path(place), tuple(asked)))
    return found


def _is_id(name: str) -> bool:
    return (
        name.count("/") == 1 and "://" not in name and not name.startswith((".", "/", "~")) and not Path(name).exists()
    )


def describe(item: Item) -> Item:
    """The item with its license, the size of what is not here, and whether all of it is here.

    Raises:
        UserError: the hub does not have it, or cannot be reached.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import RepositoryNotFoundError

    def here(file: str) -> bool:
        return isinstance(try_to_load_from_cache(item.name, file, repo_type=item.kind), str)

    try:
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        info: Any = api.repo_info(item.name, repo_type=item.kind, files_metadata=True, timeout=20)
    except RepositoryNotFoundError as error:
        raise UserError(f"{item.key}: the hub has no {item.kind} {item.name}. Check the name") from error
    except Exception as error:  # the network has many ways to fail
        if here({"model": "config.json", "dataset": "README.md"}[item.kind]):
            return replace(item, present=True, license="as accepted before")
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{item.key}: {item.name} is not here, and the hub cannot be reached ({reason}). Check the network and "
            "HF_ENDPOINT, or give the path of a folder"
        ) from error
    terms = [tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")]
    wanted = [file for file in info.siblings or [] if not _unneeded(file.rfilename)]
    missing = [file for file in wanted if not here(file.rfilename)]
    size = sum(file.size or 0 for file in missing)
    return replace(item, size=size, present=not missing, license=", ".join(terms) or "see its page on the hub")


def _unneeded(name: str) -> bool:
    return any(Path(name).match(pattern) for pattern in UNNEEDED)


def download(item: Item) -> str:
    """Fetch the item into the hub's local cache, and return its folder.

    Raises:
        UserError: it cannot be fetched, e.g. because its license was not accepted.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError

    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        return snapshot_download(
            item.name, repo_type=item.kind, ignore_patterns=list(UNNEEDED), endpoint=endpoint, max_workers=4
        )
    except GatedRepoError as error:
        page = f"https://huggingface.co/{'datasets/' if item.kind == 'dataset' else ''}{item.name}"
        raise UserError(f"{item.name}: accept its license at {page}, then run `hf auth login`") from error
    except Exception as error:  # the network has many ways to fail
        raise UserError(f"{item.name}: cannot be fetched ({' '.join(str(error).split())[:200]})") from error
