"""Arrow shards that are whole or not there, on any pyarrow filesystem.

A shard is an Arrow IPC *file*, so that pyarrow, polars and `datasets` open it directly. It is written next to its
place, synced and renamed, so a reader never sees half of one.
"""

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs
import pyarrow.ipc

from polydistill.engine.credentials import refuse_in_location
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.storage.names import inside

_TEMPORARY = re.compile(r"\.tmp-\d+-\d+$")


@dataclass(frozen=True)
class Shard:
    """What a manifest remembers of one shard."""

    path: str  # relative to the folder that the manifest describes
    rows: int
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        inside(self.path, "shard")  # a record may come from somebody else


@dataclass(frozen=True)
class Folder:
    """A folder on some filesystem, from a path or URI (`/data/run`, `s3://bucket/run`, `memory://run`)."""

    filesystem: pa.fs.FileSystem
    root: str

    @classmethod
    def of(cls, location: "str | Path | Folder") -> "Folder":
        """Open `location`; local paths may be relative.

        Raises:
            UserError: a URI with credentials in it, or of an unknown kind.
        """
        if isinstance(location, Folder):
            return location
        text = os.fspath(location)
        refuse_in_location(text)
        if re.match(r"^\w+://", text):
            try:
                filesystem, root = pa.fs.FileSystem.from_uri(text)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise UserError(
                    f"{text}: no place to read from or write to ({error}). Write a path, or an address that begins "
                    "with s3://, gs://, abfs:// or hdfs://. Fetch what is on the web first"
                ) from error
            return cls(filesystem, root)
        return cls(pa.fs.LocalFileSystem(), os.path.abspath(text))

    @property
    def object_store(self) -> bool:
        """Whether this is a store of objects (S3, Google, Azure): without folders, renaming and locks."""
        return self.filesystem.type_name in ("s3", "gcs", "abfs")

    def __truediv__(self, name: str) -> "Folder":
        return Folder(self.filesystem, f"{self.root}/{name}")

    def join(self, name: str) -> str:
        """Full path of a file in this folder."""
        return f"{self.root}/{name}"

    def names(self, recursive: bool = False) -> list[str]:
        """Names of the files here, relative and sorted; [] where the folder does not exist."""
        selector = pa.fs.FileSelector(self.root, allow_not_found=True, recursive=recursive)
        infos = self.filesystem.get_file_info(selector)
        return sorted(i.path[len(self.root) :].lstrip("/") for i in infos if i.type == pa.fs.FileType.File)

    def sizes(self) -> dict[str, int]:
        """Bytes of every file here and below, by relative name."""
        selector = pa.fs.FileSelector(self.root, allow_not_found=True, recursive=True)
        infos = self.filesystem.get_file_info(selector)
        return {i.path[len(self.root) :].lstrip("/"): i.size for i in infos if i.type == pa.fs.FileType.File}

    def exists(self, name: str) -> bool:
        """Whether a file of that name is here."""
        return self.filesystem.get_file_info(self.join(name)).type == pa.fs.FileType.File

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file atomically."""
        with self.writer(name) as file:
            file.write(data)

    @contextlib.contextmanager
    def writer(self, name: str) -> Iterator[Any]:
        """A binary file that appears under its name only when the block ends well: temporary name, sync, rename."""
        path = self.join(name)
        if not self.object_store:
            self.filesystem.create_dir(path.rpartition("/")[0], recursive=True)
        if not isinstance(self.filesystem, pa.fs.LocalFileSystem):
            # Object stores make a file visible only when its upload is complete; closing completes it.
            try:
                with self.filesystem.open_output_stream(path) as stream:
                    yield stream
            except BaseException:
                self.filesystem.delete_file(path)
                raise
            return
        temporary = f"{path}.tmp-{os.getpid()}-{threading.get_ident()}"
        try:
            with open(temporary, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        directory = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def sweep(self, recursive: bool = True) -> int:
        """Delete the temporary files that killed processes have left here and, where `recursive`, below.

        To be called by the process that holds the folder's lock: nobody else writes then.

        Returns:
            Number of files deleted.
        """
        left = [name for name in self.names(recursive) if _TEMPORARY.search(name)]
        for name in left:
            self.filesystem.delete_file(self.join(name))
        return len(left)

    def read(self, name: str) -> bytes:
        """The whole content of a file."""
        with self.filesystem.open_input_stream(self.join(name)) as stream:
            return stream.read()

    def write_json(self, name: str, value: Any) -> None:
        """Write `value` as readable JSON, atomically."""
        self.write(name, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())

    def read_json(self, name: str) -> Any:
        """Read a JSON file; DamagedError where it is missing or broken."""
        try:
            return json.loads(self.read(name))
        except FileNotFoundError as error:
            raise DamagedError(f"{self.join(name)} is missing") from error
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{self.join(name)}: damaged (not valid JSON: {error})") from error


def damages(folder: Folder, shards: list[Shard]) -> list[str | None]:
    """What is wrong with each of these files, None where it is what was written. Eight are read at a time."""

    def one(shard: Shard) -> str | None:
        try:
            check_shard(folder, shard)
        except DamagedError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(one, shards))


def write_table(place: Folder, name: str, table: pa.Table, compression: str | None = None) -> Shard:
    """Write `table` as one shard; `compression` is None (can be memory-mapped), "lz4" or "zstd"."""
    return write_tables(place, name, table.schema, [table.combine_chunks()], compression)


def write_tables(
    place: Folder, name: str, schema: pa.Schema, tables: Iterable[pa.Table], compression: str | None = None
) -> Shard:
    """Write `tables` of one schema, each as it comes, as one shard."""
    rows = 0
    with place.writer(name) as file:
        sink = _Digesting(file)
        with pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
            for table in tables:
                writer.write_table(table, max_chunksize=65_536)
                rows += table.num_rows
    return Shard(name, rows, sink.bytes, sink.sha256.hexdigest())


class _Digesting:
    """Hashes and counts what is written to a file."""

    closed = False  # pyarrow asks

    def __init__(self, file: Any) -> None:
        self._file, self.bytes, self.sha256 = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self.sha256.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing: the file is synced when it is whole."""


_verified: set[tuple[str, int, int, str]] = set()
"""(path, time of the last change, bytes, sha256) of the shards that this process has compared with their digests."""


def read_shard(folder: Folder, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """Read one recorded shard (its path is relative to `folder`), as `read_table` does.

    The file's size and digest are compared with the record at this process's first read of it.

    Raises:
        DamagedError: the file is missing, or is not what was written.
    """
    check_shard(folder, shard)
    return read_table(folder, shard.path, columns)


def check_shard(folder: Folder, shard: Shard, again: bool = False) -> None:
    """Compare a file with its record, its digest once in each process (with `again`, in any case).

    Raises:
        DamagedError: the file is missing, or its size or digest is another.
    """
    path = folder.join(shard.path)
    info = folder.filesystem.get_file_info(path)
    if info.type != pa.fs.FileType.File:
        raise DamagedError(f"{path} is missing")
    if info.size != shard.bytes:
        raise DamagedError(f"{path}: damaged ({info.size} bytes, {shard.bytes} were written)")
    key = (path, info.mtime_ns or 0, shard.bytes, shard.sha256)
    if key in _verified and not again:
        return
    digest = hashlib.sha256()
    with folder.filesystem.open_input_stream(path) as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
    if digest.hexdigest() != shard.sha256:
        raise DamagedError(f"{path}: damaged (its content is not what was written)")
    _verified.add(key)


def read_table(place: Folder, name: str, columns: list[str] | None = None) -> pa.Table:
    """Read one shard; local ones are memory-mapped.

    Raises:
        UserError: the file is truncated or is no Arrow file.
    """
    path = place.join(name)
    try:
        source = (
            pa.memory_map(path)
            if isinstance(place.filesystem, pa.fs.LocalFileSystem)
            else place.filesystem.open_input_file(path)
        )
        reader = pa.ipc.open_file(source)
        if columns is not None:  # compressed columns that nobody asked for stay unread
            chosen = [index for index, name in enumerate(reader.schema.names) if name in columns]
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=chosen))
        table = reader.read_all()
    except pa.ArrowInvalid as error:
        raise DamagedError(f"{path}: not a whole Arrow file ({error}). Delete it and run again") from error
    return table if columns is None else table.select(columns)
