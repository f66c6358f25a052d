"""Fetching files by HTTP into a folder: sizes first, then whole files or none, also out of archives."""

import io
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from polydistill.engine.errors import UserError
from polydistill.engine.progress import Progress
from polydistill.sources import Source, Wanted

_SECONDS = 20
_PIECE = 1 << 20


@dataclass(frozen=True)
class Files:
    """Files of a published source that a run reads from a folder."""

    key: str  # of the configuration
    source: Source
    folder: Path
    wanted: tuple[Wanted, ...]

    @property
    def missing(self) -> list[Wanted]:
        """What is not in the folder."""
        return [each for each in self.wanted if not (self.folder / each.name).is_file()]


@dataclass(frozen=True)
class Found:
    """What a source has of the missing files."""

    sizes: dict[str, int]  # URL -> bytes. 0: the server does not say
    absent: tuple[str, ...]  # files that it does not have

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(self.sizes.values())


def url(source: Source, wanted: Wanted) -> str:
    """Where a file, or the archive around it, is fetched from. HF_ENDPOINT counts for the hub."""
    if not source.base.startswith("hub:"):
        return f"{source.base}/{wanted.address}"
    from huggingface_hub import hf_hub_url

    name = source.base.removeprefix("hub:")
    return hf_hub_url(name, wanted.address, repo_type="dataset", endpoint=os.environ.get("HF_ENDPOINT"))


def ask(files: Files) -> Found:
    """Ask the server for the sizes of what is missing.

    Raises:
        UserError: it cannot be reached.
    """
    sizes: dict[str, int] = {}
    absent = []
    for each in files.missing:
        address = url(files.source, each)
        if address in sizes:
            continue
        try:
            with _open(address, "HEAD") as answer:
                sizes[address] = int(answer.headers.get("Content-Length") or 0)
        except FileNotFoundError:
            absent.append(each.name)
    return Found(sizes, tuple(absent))


def download(files: Files, found: Found) -> str:
    """Fetch what is missing and what the source has. Returns the folder.

    Raises:
        UserError: a server that cannot be reached, a file that is cut off, or an archive without the file.
    """
    groups: dict[str, list[Wanted]] = defaultdict(list)
    for each in files.missing:
        groups[url(files.source, each)].append(each)
    for address, members in groups.items():
        if address in found.sizes:
            with tempfile.TemporaryFile() as content:
                _fetch(address, content)
                for member in members:
                    _put(content, member, files.folder / member.name, address)
    return str(files.folder)


def _fetch(address: str, content: IO[bytes]) -> None:
    """Write a URL's whole content to a file."""
    with _open(address, "GET") as answer:
        size = int(answer.headers.get("Content-Length") or 0)
        with Progress(f"fetching {address.rpartition('/')[2]}", size or None, "bytes") as progress:
            try:
                while piece := answer.read(_PIECE):
                    content.write(piece)
                    progress.advance(len(piece))
            except (OSError, ValueError) as error:
                raise UserError(f"{address}: the connection broke ({error}). Run the command again") from error
    if size and content.tell() != size:
        raise UserError(f"{address}: {content.tell():,} of {size:,} bytes came. Run the command again")


def _put(content: IO[bytes], wanted: Wanted, file: Path, address: str) -> None:
    """Write one file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    content.seek(0)
    try:
        with part.open("wb") as out, _member(content, wanted.member, address) as source:
            shutil.copyfileobj(source, out)
        os.replace(part, file)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{address}: not a whole archive ({error}). Run the command again") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _member(content: IO[bytes], name: str, address: str) -> Iterator[IO[bytes]]:
    """A file of an archive, or the content itself."""
    if not name:
        yield content
        return
    try:
        if address.endswith(".zip"):
            with zipfile.ZipFile(content) as archive, archive.open(name) as found:
                yield found
        else:
            with tarfile.open(fileobj=content) as tar:
                yield tar.extractfile(_named(tar, name)) or io.BytesIO()
    except KeyError as error:
        raise UserError(f"{address}: it has no file {name}. Fetch it by hand, and give its path") from error


def _named(tar: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    for each in tar:
        if each.name.removeprefix("./") == name:
            return each
    raise KeyError(name)


@contextmanager
def _open(address: str, method: str) -> Iterator[Any]:
    request = urllib.request.Request(address, method=method, headers={"User-Agent": "polydistill"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise FileNotFoundError(address) from error
        raise UserError(f"{address}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UserError(
            f"{address}: cannot be reached ({error.reason}). Check the network, or fetch it by hand and give its path"
        ) from error
