"""Where rows come from: files anywhere, or a data set on the hub; each a stream of rows with an identity."""

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError, one_line
from polydistill.engine.files.batch import ROWS, Rows
from polydistill.engine.files.folders import find_files
from polydistill.engine.files.hub import snapshot
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File, reading
from polydistill.engine.languages import language_code
from polydistill.engine.progress import Progress
from polydistill.engine.prompts.artifact import Input, InputFile, InputTranslations
from polydistill.engine.prompts.fields import Fields, Notes
from polydistill.engine.prompts.translations import InRows, Translations, in_files

_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_BLOCK = 1 << 22


class Part(Protocol):
    """Something that rows are read from."""

    @property
    def name(self) -> str:
        """As rows' origins name it."""

    @property
    def columns(self) -> dict[str, str | None]:
        """Columns by role that this kind of part has where nothing is configured."""

    def rows(self) -> Iterator[Rows]:
        """Its rows, in order."""

    def identity(self, known: Iterable[InputFile]) -> InputFile:
        """Its content as a digest; one in `known` is believed where the file's size and time are still the same."""


@dataclass(frozen=True)
class FilePart:
    """A file."""

    file: File
    name: str

    @property
    def columns(self) -> dict[str, str | None]:
        """A plain text file holds a question in each line."""
        return {"instruction": "text"} if self.file.format == "text" else {}

    def rows(self) -> Iterator[Rows]:
        """The file's rows."""
        return read_rows(self.file)

    def identity(self, known: Iterable[InputFile]) -> InputFile:
        """The sha256 of the file's bytes."""
        with reading(self.file):
            info = self.file.filesystem.get_file_info(self.file.path)
            time = info.mtime_ns or 0
            for before in known:
                if (before.name, before.bytes, before.time) == (self.name, info.size, time):
                    return before
            digest = hashlib.sha256()
            with self.file.filesystem.open_input_stream(self.file.path, compression=None) as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
        return InputFile(self.name, info.size or 0, time, digest.hexdigest())


@dataclass(frozen=True)
class HubPart:
    """A split of a data set on the hub: streamed and not stored. Offline, what is stored is read."""

    id: str
    configuration: str | None
    split: str | None
    revision: str | None
    columns: dict[str, str | None]

    @property
    def name(self) -> str:
        """The data set's id and split."""
        return f"{self.id}:{self.split}" if self.split else self.id

    def rows(self) -> Iterator[Rows]:
        """The split's rows as `datasets` streams them."""
        numbers, values = [], []
        for number, row in enumerate(self._stream(), 1):
            numbers.append(number)
            values.append(row)
            if len(values) == ROWS:
                yield Rows(numbers, values)
                numbers, values = [], []
        if values:
            yield Rows(numbers, values)

    def identity(self, known: Iterable[InputFile]) -> InputFile:
        """The commit that the revision stands for."""
        return InputFile(self.name, 0, 0, f"{self._commit} {self.configuration} {self.split}")

    @functools.cached_property
    def _commit(self) -> str:
        """Asked for once, so that rows are those of the commit that is recorded."""
        from huggingface_hub import HfApi

        if self._stored:
            return self._stored.name
        try:
            return str(HfApi().dataset_info(self.id, revision=self.revision).sha)
        except Exception as error:
            raise UserError(_unreachable(self.id, error)) from error

    @functools.cached_property
    def _stored(self) -> Path | None:
        """Where `fetch` has put all of it. None where the hub may be asked."""
        from huggingface_hub import is_offline_mode

        if not is_offline_mode():
            return None
        try:
            return snapshot(self.id, "dataset", revision=self.revision, fetch=False)
        except Exception as error:
            raise UserError(
                f"{self.id}: no such file or folder here, and HF_HUB_OFFLINE=1 forbids asking the hub "
                f"({one_line(error)}). Fetch it where there is a network (`polydistill fetch`), or give a path"
            ) from error

    def _stream(self) -> Iterator[dict[str, object]]:
        import datasets

        try:
            place = {"path": str(self._stored)} if self._stored else {"path": self.id, "revision": self._commit}
            found = datasets.load_dataset(**place, name=self.configuration, split=self.split, streaming=True)
            if isinstance(found, dict):
                if len(found) > 1:
                    raise UserError(f"{self.id}: holds several splits ({', '.join(found)}). Choose one with `split`")
                found = next(iter(found.values()))
            yield from found
        except UserError:
            raise
        except Exception as error:  # of the network, the hub, and every library that `datasets` reads files with
            raise UserError(_unreachable(self.id, error)) from error


def _unreachable(name: str, error: Exception) -> str:
    return f"{name}: no such file or folder here, and cannot be read as a data set on the hub ({one_line(error)})"


@dataclass(frozen=True)
class Batch:
    """Rows of a source."""

    part: str  # name of the part that they are from
    frame: pl.DataFrame  # as `fields.FRAME`
    given: dict[str, pl.DataFrame]  # target language -> the rows' translations, see `translations.Translations`


@dataclass(frozen=True)
class Source:
    """One configured source: its parts in order, and how they are read."""

    parts: list[Part]
    config: PromptSource
    language: str
    translated: dict[str, list[Part]]  # target language -> files of translations, [] for the source's own rows

    def frames(self, notes: Notes) -> Iterator[Batch]:
        """The rows up to the source's limit.

        Args:
            notes: where what is left out and changed is counted.

        Raises:
            UserError: a file that cannot be read, or whose columns fit no format.
        """
        left = self.config.limit
        apart = {target: self._in_files(target, notes) for target, parts in self.translated.items() if parts}
        for part in self.parts:
            fields = self._fields(part, notes)
            inside = [target for target, parts in self.translated.items() if not parts]
            found = apart | {target: self._in_rows(part, target, notes) for target in inside}
            with Progress(f"reading {part.name}", None) as progress:
                for rows in part.rows():
                    rows = rows if left is None else rows.head(left)
                    frame = fields.frame(rows, self.config.key)
                    yield Batch(part.name, frame, {target: each.of(rows, frame) for target, each in found.items()})
                    progress.advance(len(rows.values))
                    if left is not None and not (left := left - len(rows.values)):
                        return
        for each in apart.values():
            each.finish()

    def _fields(self, part: Part, notes: Notes) -> Fields:
        # Columns that are read as translations are not left out.
        given = [each for each in self.config.translations.values() if not each.path]
        used = {each.key for each in given} | {name for each in given for name in each.columns.values()}
        columns = part.columns | self.config.columns
        return Fields(part.name, columns, notes, self.config.language is None, frozenset(filter(None, used)))

    def _in_rows(self, part: Part, target: str, notes: Notes) -> Translations:
        given = self.config.translations[target]
        # Columns of the row itself have been counted with it.
        name, own = (f"{part.name}[{given.key}]", notes) if given.key else (part.name, Notes())
        columns = {str(role): column for role, column in (given.columns or self.config.columns).items()}
        return InRows(Fields(name, columns, own, False), given.key, self.config, notes.lost[target])

    def _in_files(self, target: str, notes: Notes) -> Translations:
        given, parts = self.config.translations[target], self.translated[target]

        def frames() -> Iterator[pl.DataFrame]:
            for part in parts:
                fields = Fields(part.name, part.columns | given.columns, notes, False)
                for rows in part.rows():
                    yield fields.frame(rows.under(given.key) if given.key else rows)

        return in_files(frames(), parts[0].name, self.config, notes.lost[target])

    def input(self, known: Iterable[InputFile] = ()) -> Input:
        """What the source is, for the record."""
        known, own = list(known), self.config
        files = [part.identity(known) for part in self.parts]
        columns: dict[str, str | None] = dict(sorted(own.columns.items()))
        translations = {
            target: InputTranslations(
                [part.identity(known) for part in parts],
                own.translations[target].key,
                dict(sorted(own.translations[target].columns.items())),
            )
            for target, parts in self.translated.items()
        }
        return Input(
            *(files, own.key, translations, self.language, columns, own.limit, own.sample, own.max_chars),
            calculator_marks=own.calculator_marks,
            reasoning=own.reasoning,
        )


def open_sources(configs: list[PromptSource], default_language: str) -> list[Source]:
    """All sources, in order; reads no rows.

    Args:
        configs: the sources as configured.
        default_language: language of rows that name none.

    Raises:
        UserError: a source that is not there, or holds no file with rows.
    """
    default = language_code(default_language)
    several = len(configs) > 1
    sources = []
    for config in configs:
        translated = {
            target: _parts(given.path, None, several) if given.path else []
            for target, given in sorted(config.translations.items())
        }
        parts = [_hub(config)] if on_hub(config.path) else _parts(config.path, config.split, several)
        sources.append(Source(parts, config, config.language or default, translated))
    return sources


def _hub(config: PromptSource) -> Part:
    return HubPart(config.path.removeprefix("hub:"), config.configuration, config.split, config.revision, {})


def _parts(path: str, split: str | None, several: bool) -> list[Part]:
    files = find_files(path, split)
    root = os.path.commonpath([os.path.dirname(file.path) for file in files])
    return [FilePart(file, file.name if several else os.path.relpath(file.path, root)) for file in files]


def on_hub(path: str) -> bool:
    """Whether a path means a data set on the hub: "org/name", where there is no such file or folder, or "hub:..."."""
    if path.startswith("hub:"):
        return True
    return bool(_HUB.fullmatch(path)) and not os.path.exists(path) and not File.of(path).format
