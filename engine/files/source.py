"""A file from outside, and the one place where the failures of its reading become sentences."""

import contextlib
import csv
import lzma
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs

from polydistill.engine.errors import UserError, one_line
from polydistill.engine.storage.shards import Folder

FORMATS = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonlines": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".txt": "text",
}
"""Endings of files with rows and the formats that they stand for."""

COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".lz4")
"""Endings that may follow. What a file is really compressed with is seen from its first bytes."""


@dataclass(frozen=True)
class File:
    """One file on some filesystem."""

    filesystem: pa.fs.FileSystem
    path: str
    name: str  # as messages and rows' origins call it

    @classmethod
    def of(cls, location: "str | Path | File") -> "File":
        """The file at a local path ("~" is the home folder) or URI; it need not exist."""
        if isinstance(location, File):
            return location
        text = os.path.expanduser(os.fspath(location))
        folder = Folder.of(text)
        return cls(folder.filesystem, folder.root, str(location))

    @property
    def format(self) -> str:
        """One of the values of FORMATS, "" for an ending that says nothing."""
        name = bare_name(self.path)
        return next((kind for ending, kind in FORMATS.items() if name.endswith(ending)), "")


def bare_name(path: str) -> str:
    """A file's name in lower case, without folders and the ending of a compression."""
    name = path.rpartition("/")[2].lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return name


@contextlib.contextmanager
def reading(file: File, what: str = "") -> Iterator[None]:
    """Turn every way in which decoders fail into a UserError that names the file.

    Args:
        file: the file being read.
        what: the format that was expected, for the message.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"{file.name}: no such file") from error
    except (
        *(OSError, EOFError, zlib.error, lzma.LZMAError, csv.Error, pa.ArrowException),
        # Damaged lengths and nesting end in these.
        *(ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError, RecursionError, SystemError),
    ) as error:
        expected = f" as {what}" if what else ""
        raise UserError(
            f"{file.name}: cannot be read{expected} ({one_line(error)}). Check that the file is whole"
        ) from error
