"""Bytes become text: compression, byte order marks, UTF-16, ends of lines, and limits on what a file may expand to."""

import codecs
import lzma
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.files.source import File, reading

LINE = 64 << 20
"""Maximum length of a line, bytes, and of one element of a JSON array, characters."""
WHOLE = 1 << 30
"""Maximum size of what has to be held in memory as a whole, such as a compressed Parquet file, bytes."""
EXPANSION, SMALL = 200, 1 << 28
"""A file may expand to EXPANSION times its size, or to SMALL bytes. Text compresses 3 to 50 times."""
BLOCK = 4 << 20
"""Bytes decoded at once."""

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\x04\x22\x4d\x18": "lz4"}
_XZ = b"\xfd7zXZ\x00"


class Bytes:
    """A stream of a file's decompressed bytes. What the file is compressed with is seen from its first bytes."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._raw = file.filesystem.open_input_file(file.path)
        self._limit = max(SMALL, EXPANSION * self._raw.size())
        self._given = 0
        self._stream = _decompressed(self._raw)
        self.compressed = self._stream is not self._raw

    def __enter__(self) -> "Bytes":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end.

        Raises:
            UserError: the file expands beyond what data compresses to.
        """
        block = self._stream.read(size)
        self._given += len(block)
        if self.compressed and self._given > self._limit:
            raise UserError(
                f"{self._file.name}: expands to more than {EXPANSION} times its size, which no usual text does. "
                "If you trust the file, decompress it yourself and name the result"
            )
        return block

    def seekable(self) -> Any:
        """The whole content as a seekable pyarrow file.

        Raises:
            UserError: a compressed file is too large to be held in memory.
        """
        if not self.compressed:
            return self._raw
        parts = []
        while block := self.read(BLOCK):
            parts.append(block)
            if self._given > WHOLE:
                raise UserError(f"{self._file.name}: larger than {WHOLE:,} bytes. Decompress it and name the result")
        return pa.BufferReader(b"".join(parts))


def _decompressed(raw: Any) -> Any:
    head = raw.read(6)
    raw.seek(0)
    if head == _XZ:
        return lzma.LZMAFile(raw)
    codec = next((name for magic, name in _CODECS.items() if head.startswith(magic)), None)
    return pa.CompressedInputStream(raw, codec) if codec else raw


def text_blocks(file: File) -> Iterator[str]:
    r"""The file's text in blocks of whole lines, each without its last "\n".

    Bytes that are no UTF-8 become lone surrogates (Python's "surrogateescape"), so that one bad byte costs one row.

    Raises:
        UserError: the file cannot be read, a line is longer than LINE, or see `Bytes.read`.
    """
    for block in _utf8_blocks(file):
        yield block.decode("utf-8", "surrogateescape")


def line_blocks(file: File) -> Iterator[list[str]]:
    r"""The lines of a text file, some thousand at a time, without "\n"; see `text_blocks`.

    Each line is decoded by itself. In a decoded block, one emoji makes every character take four bytes.
    """
    for block in _utf8_blocks(file):
        yield [line.decode("utf-8", "surrogateescape") for line in block.split(b"\n")]


def _utf8_blocks(file: File) -> Iterator[bytes]:
    """The file in blocks of whole lines. UTF-16 becomes UTF-8, and a byte order mark is left out."""
    with reading(file), Bytes(file) as stream:
        more = stream.read(max(BLOCK, 4))
        _refuse_stand_in(more, file.name)
        utf16 = _utf16(more)
        more = more.removeprefix(codecs.BOM_UTF8)
        parts: list[bytes] = []  # of the line that has begun
        line, length = 1, 0
        while following := stream.read(BLOCK):
            whole, newline, tail = (utf16.decode(more).encode() if utf16 else more).rpartition(b"\n")
            more = following
            if newline:
                block = b"".join([*parts, whole])
                yield block
                line += block.count(b"\n") + 1
                parts, length = [], 0
            parts.append(tail)
            length += len(tail)
            if length > LINE:
                raise UserError(f"{file.name}:{line}: a line of more than {LINE:,} bytes")
        # The last line belongs to the last block, whether it ends or not.
        parts.append(utf16.decode(more, final=True).encode() if utf16 else more)
        if rest := b"".join(parts):
            yield rest.removesuffix(b"\n")


def _refuse_stand_in(head: bytes, name: str) -> None:
    """Raise UserError for what downloads leave in the place of data."""
    begin = head[:200].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if begin.startswith((b"<!doctype html", b"<html")):
        raise UserError(f"{name}: a web page, not data. Fetch the file itself (on GitHub: the raw file)")
    if begin.startswith(b"version https://git-lfs"):
        raise UserError(
            f"{name}: a pointer of Git LFS, not the file. Run `git lfs pull` there, or fetch the file itself"
        )


def _utf16(head: bytes) -> codecs.IncrementalDecoder | None:
    """The decoder of UTF-16, which a byte order mark or the zero bytes of an ASCII beginning show; None for UTF-8."""
    zeros = [head[i : i + 1] == b"\0" for i in range(2)]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")()
    if zeros[0] != zeros[1]:
        return codecs.getincrementaldecoder("utf-16-be" if zeros[0] else "utf-16-le")()
    return None


def read_lines(file: File) -> Iterator[str]:
    r"""The lines of a text file without their ends ("\n" or "\r\n"); an empty line at the end is no line.

    Other line separators of Unicode do not end a line: texts contain them.

    Raises:
        UserError: see `text_blocks`; also for bytes that are no UTF-8.
    """
    number = 0
    for lines in line_blocks(file):
        for line in lines:
            number += 1
            if not line.isascii() and not encodable(line):
                raise UserError(f"{file.name}:{number}: not UTF-8. Convert the file")
            yield line.removesuffix("\r")


def encodable(text: str) -> bool:
    """Whether a text is Unicode: undecodable bytes and JSON's "\\ud800" leave surrogates, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_text(file: File) -> str:
    """The text of a file of at most WHOLE characters, without a line end at its end.

    Bytes that are no UTF-8 are lone surrogates in it, see `text_blocks`.

    Raises:
        UserError: see `text_blocks`; also for a file that is too large.
    """
    parts, length = [], 0
    for block in text_blocks(file):
        parts.append(block)
        length += len(block)
        if length > WHOLE:
            raise UserError(f"{file.name}: more than {WHOLE:,} characters in one JSON value. Use JSON lines instead")
    return "\n".join(parts)
