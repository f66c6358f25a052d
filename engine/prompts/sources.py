"""Where rows come from: files anywhere, or a data set on the hub; each a stream of rows with an identity."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from polydistill.engine.config import PromptSource
from polydistill.engine.errors import UserError
from polydistill.engine.files.batch import ROWS, Rows
from polydistill.engine.files.folders import find_files
from polydistill.engine.files.rows import read_rows
from polydistill.engine.files.source import File, reading
from polydistill.engine.languages import language_code
from polydistill.engine.progress import Progress
from polydistill.engine.prompts.artifact import Input, InputFile
from polydistill.engine.prompts.fields import Fields, Notes

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
    """A split of a data set on the hub, which is streamed and not stored."""

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
        from huggingface_hub import HfApi

        try:
            commit = HfApi().dataset_info(self.id, revision=self.revision).sha
        except Exception as error:
            raise UserError(_unreachable(self.id, error)) from error
        return InputFile(self.name, 0, 0, f"{commit} {self.configuration} {self.split}")

    def _stream(self) -> Iterator[dict[str, Any]]:
        import datasets

        try:
            options = {"split": self.split, "revision": self.revision, "streaming": True}
            found = datasets.load_dataset(self.id, self.configuration, **options)
            if isinstance(found, dict):
                if len(found) > 1:
                    raise UserError(f"{self.id}: holds several splits ({', '.join(found)}); choose one with `split`")
                found = next(iter(found.values()))
            yield from found
        except UserError:
            raise
        except Exception as error:  # of the network, the hub, and every library that `datasets` reads files with
            raise UserError(_unreachable(self.id, error)) from error


def _unreachable(name: str, error: Exception) -> str:
    text = " ".join(str(error).split())[:300] or type(error).__name__
    return f"{name}: no such file or folder here, and cannot be read as a data set on the hub ({text})"


@dataclass(frozen=True)
class Source:
    """One configured source: its parts in order, and how they are read."""

    parts: list[Part]
    config: PromptSource
    language: str

    def frames(self, notes: Notes) -> Iterator[tuple[str, pl.DataFrame]]:
        """The rows up to the source's limit: a part's name, and rows of it as `fields.FRAME`.

        Args:
            notes: where what is left out and changed is counted.

        Raises:
            UserError: a file that cannot be read, or whose columns fit no format.
        """
        left = self.config.limit
        for part in self.parts:
            fields = Fields(part.name, part.columns | self.config.columns, notes, self.config.language is None)
            with Progress(f"reading {part.name}", None) as progress:
                for rows in part.rows():
                    rows = rows if left is None else rows.head(left)
                    yield part.name, fields.frame(rows)
                    progress.advance(len(rows.values))
                    if left is not None and not (left := left - len(rows.values)):
                        return

    def input(self, known: Iterable[InputFile] = ()) -> Input:
        """What the source is, for the record."""
        known, own = list(known), self.config
        files = [part.identity(known) for part in self.parts]
        columns: dict[str, str | None] = dict(sorted(own.columns.items()))
        return Input(files, self.language, columns, own.limit, own.sample, own.max_chars)


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
    return [Source(_parts(config, several), config, config.language or default) for config in configs]


def _parts(config: PromptSource, several: bool) -> list[Part]:
    if _on_hub(config.path):
        return [HubPart(config.path, config.configuration, config.split, config.revision, {})]
    files = find_files(config.path, config.split)
    root = os.path.commonpath([os.path.dirname(file.path) for file in files])
    return [FilePart(file, file.name if several else os.path.relpath(file.path, root)) for file in files]


def _on_hub(path: str) -> bool:
    """Whether a path means a data set on the hub: "org/name", where there is no such file or folder."""
    return bool(_HUB.fullmatch(path)) and not os.path.exists(path) and not File.of(path).format
