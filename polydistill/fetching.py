"""What a run needs from elsewhere: models and data sets of the hub, and files of published sources."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from polydistill.checks.models import encoder_of
from polydistill.downloads import Files, Found
from polydistill.engine.errors import UserError
from polydistill.engine.files.hub import UNNEEDED, snapshot
from polydistill.engine.prompts.sources import on_hub
from polydistill.run_config import RunConfig
from polydistill.sources import BENCHMARKS, DICTIONARIES, PARALLEL, PROMPTS, Source, Wanted

ENCODER = ("config.json", "tokenizer*.json", "special_tokens_map.json", "*.model")
"""What a COMET checkpoint reads of the encoder that it names. Its own weights take the place of the encoder's."""


@dataclass(frozen=True)
class Item:
    """A model or data set on the hub."""

    key: str  # of the configuration
    name: str  # OWNER/NAME
    kind: str  # model or dataset
    size: int = 0  # bytes that would be fetched
    license: str = "unknown"
    present: bool = False  # in the hub's local cache
    parts: tuple[str, ...] = ()  # patterns of the files that are wanted. Empty: all
    revision: str | None = None  # branch, tag or commit. None: the newest

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
    named: list[tuple[str, str | None, str]] = [
        ("student.model", run.student.model if run.student else None, "model"),
        ("student.reward.model", run.student.reward.model if run.student and run.student.reward else None, "model"),
        ("translate.model", run.translate.model if run.translate else None, "model"),
        ("judge.quality.model", quality.model if quality else None, "model"),
        ("eval.comet", comet, "model"),
        *((f"eval.tasks.{task.task}", task.path, "dataset") for task in (run.eval.tasks if run.eval else [])),
    ]
    items = [Item(key, name, kind) for key, name, kind in named if name and _is_id(name)]
    items += [
        Item("prompts.path", source.path.removeprefix("hub:"), "dataset", revision=source.revision)
        for source in run.prompts
        if on_hub(source.path)
    ]
    return list({(item.name, item.kind, item.revision): item for item in items}.values())


def files(run: RunConfig) -> list[Files]:
    """Files of published sources, which the run reads from folders of their names. Other folders are not listed."""
    found = []
    for prompts in run.prompts:
        folder = Path(prompts.path).parent
        if source := PROMPTS.get(folder.name.lower()):
            found.append(Files("prompts.path", source, folder, tuple(source.files(run.source, run.targets))))
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
    return found + _tokenizers(run)


def _tokenizers(run: RunConfig) -> list[Files]:
    """The sentencepiece models that sacreBLEU's tokenizers need, where sacreBLEU looks for them."""
    from polydistill.eval.scoring.sacrebleu_tokenizers import downloaded_model

    flores = [task for task in run.eval.tasks if task.task == "flores"] if run.eval else []
    found = []
    for name in dict.fromkeys(task.bleu_tokenizer for task in flores):
        if model := downloaded_model(name):
            base, _, file = model[0].rpartition("/")
            source = Source(f"sacreBLEU's {name} tokenizer", "CC BY-NC 4.0", base, lambda source, targets: [])
            found.append(Files("eval.tasks.bleu_tokenizer", source, model[1].parent, (Wanted(file, file),)))
    return found


def _is_id(name: str) -> bool:
    return (
        name.count("/") == 1 and "://" not in name and not name.startswith((".", "/", "~")) and not Path(name).exists()
    )


def encoders(items: Iterable[Item]) -> list[Item]:
    """The encoders whose configuration and tokenizer the COMET checkpoints among these items read.

    Raises:
        UserError: a checkpoint that cannot be asked, e.g. because its license was not accepted.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError

    found = []
    for item in items:
        if item.key not in ("judge.quality.model", "eval.comet"):
            continue
        try:
            hparams = hf_hub_download(item.name, "hparams.yaml", endpoint=os.environ.get("HF_ENDPOINT"))
        except GatedRepoError as error:
            raise _gated(item) from error
        except Exception as error:  # the network has many ways to fail
            raise UserError(f"{item.key}: {item.name} has no hparams.yaml, as COMET checkpoints do") from error
        name = encoder_of(Path(hparams).parent)
        if name:
            found.append(Item(item.key, name, "model", parts=ENCODER))
    return found


def describe(item: Item) -> Item:
    """The item with its license, the size of what is not here, and whether all of it is here.

    Raises:
        UserError: the hub does not have it, or cannot be reached.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    def here(file: str) -> bool:
        cached = try_to_load_from_cache(item.name, file, repo_type=item.kind, revision=item.revision)
        return isinstance(cached, str)

    try:
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
        info: Any = api.repo_info(
            item.name, repo_type=item.kind, revision=item.revision, files_metadata=True, timeout=20
        )
    except RepositoryNotFoundError as error:
        raise UserError(f"{item.key}: the hub has no {item.kind} {item.name}. Check the name") from error
    except RevisionNotFoundError as error:
        raise UserError(f"{item.key}: {item.name} has no revision {item.revision} on the hub") from error
    except Exception as error:  # the network has many ways to fail
        with suppress(Exception):
            snapshot(item.name, item.kind, revision=item.revision, parts=item.parts, fetch=False)
            return replace(item, present=True, license="as accepted before")
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{item.key}: {item.name} is not here, and the hub cannot be reached ({reason}). Check the network and "
            "HF_ENDPOINT, or give the path of a folder"
        ) from error
    terms = [tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")]
    wanted = [file for file in info.siblings or [] if _needed(file.rfilename, item)]
    missing = [file for file in wanted if not here(file.rfilename)]
    size = sum(file.size or 0 for file in missing)
    return replace(item, size=size, present=not missing, license=", ".join(terms) or "see its page on the hub")


def _needed(name: str, item: Item) -> bool:
    def among(patterns: Sequence[str]) -> bool:
        return any(Path(name).match(pattern) for pattern in patterns)

    unneeded = item.kind == "model" and among(UNNEEDED)
    return not unneeded and (not item.parts or among(item.parts))


def download(item: Item) -> str:
    """Fetch the item into the hub's local cache, and return its folder.

    Raises:
        UserError: it cannot be fetched, e.g. because its license was not accepted.
    """
    from huggingface_hub.errors import GatedRepoError

    try:
        return str(snapshot(item.name, item.kind, revision=item.revision, parts=item.parts))
    except GatedRepoError as error:
        raise _gated(item) from error
    except Exception as error:  # the network has many ways to fail
        raise UserError(f"{item.name}: cannot be fetched ({' '.join(str(error).split())[:200]})") from error


def _gated(item: Item) -> UserError:
    page = f"https://huggingface.co/{'datasets/' if item.kind == 'dataset' else ''}{item.name}"
    return UserError(f"{item.name}: accept its license at {page}, then run `hf auth login`")
