"""Whether a file is a whole fastText model: the library itself never returns from some that are cut.

The layout is fastText's binary format, version 12 (Args, Dictionary, input matrix, output matrix; quantized or not).
Only sizes are read, so a model of gigabytes takes a second at most. Sizes that contradict each other are refused: the
library believes all of them, and reads beyond its memory or divides by zero.
"""

import mmap
import struct
from pathlib import Path

from polydistill.engine.errors import UserError

MAGIC, VERSIONS = 793712314, (11, 12)
_ARGUMENTS = struct.Struct("<12id")
_CENTROIDS = 256  # of a product quantizer


def read_labels(path: Path) -> list[str]:
    """The labels of a fastText model that is whole from its first byte to its last.

    Raises:
        UserError: it is something else, or is cut or followed by other bytes.
    """
    size = path.stat().st_size
    if size < 8:
        raise UserError(f"{path}: not a fastText model (it has {size} bytes)")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        magic, version = struct.unpack_from("<2i", data)
        if magic != MAGIC or version not in VERSIONS:
            raise UserError(f"{path}: not a fastText classifier (its first bytes are not those of a fastText model)")
        try:
            labels, end = _Reader(data, 8).model()
        except (struct.error, ValueError, IndexError, OverflowError) as error:
            raise UserError(f"{path}: the fastText model is cut or damaged. Fetch it again") from error
    if end != size:
        raise UserError(f"{path}: the fastText model should have {end:,} bytes and has {size:,}. Fetch it again")
    if not labels:
        raise UserError(f"{path}: not a fastText classifier (it has words and no labels)")
    return labels


class _Reader:
    """Walks over a model's parts."""

    def __init__(self, data: mmap.mmap, position: int) -> None:
        self.data, self.position = data, position

    def model(self) -> tuple[list[str], int]:
        """The labels, and where the model should end."""
        width, _, _, _, _, ngrams, _, _, buckets, _, longest, _, _ = _ARGUMENTS.unpack_from(self.data, self.position)
        self.position += _ARGUMENTS.size
        if buckets < 0 or (buckets == 0 and (ngrams > 1 or longest > 0)):
            raise ValueError("n-grams without buckets")
        words, labels, pruned = self.dictionary()
        quantized = bool(self.take("<?"))
        read = self.quantized_matrix if quantized else self.matrix
        if read() != (words + (buckets if pruned < 0 else pruned), width):
            raise ValueError("a matrix of another size than the words")
        output = bool(self.take("<?"))
        read = self.quantized_matrix if quantized and output else self.matrix
        if read() != (len(labels), width):
            raise ValueError("a matrix of another size than the labels")
        return labels, self.position

    def take(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self.data, self.position)
        self.position += struct.calcsize(layout)
        return int(value)

    def dictionary(self) -> tuple[int, list[str], int]:
        """Pass over words and labels; the number of words, the labels, and how many n-grams pruning left (-1: all)."""
        entries, words, _ = (self.take("<i") for _ in range(3))
        self.take("<q")  # tokens
        pruned = self.take("<q")
        labels = []
        for _ in range(entries):
            stop = self.data.find(b"\0", self.position)
            if stop < 0:
                raise ValueError("a word has no end")
            if self.data[stop + 9] == 1:  # behind the count stands the type: word or label
                labels.append(self.data[self.position : stop].decode())
            self.position = stop + 1 + 9
        if entries != words + len(labels):
            raise ValueError("a word of an unknown kind")
        self.skip(8 * max(pruned, 0))
        return words, labels, pruned

    def matrix(self) -> tuple[int, int]:
        """Pass over a matrix; its rows and columns."""
        rows, columns = self.take("<q"), self.take("<q")
        self.skip(4 * rows * columns)
        return rows, columns

    def quantized_matrix(self) -> tuple[int, int]:
        """The same of a quantized one."""
        norms = bool(self.take("<?"))
        rows, columns = self.take("<q"), self.take("<q")
        codes = self.take("<i")
        self.skip(codes)
        if codes != rows * self.quantizer() or (norms and not self.norms(rows)):
            raise ValueError("codes of another size than the rows")
        return rows, columns

    def norms(self, rows: int) -> bool:
        """Pass over the norms of a quantized matrix; whether there is one for each row."""
        self.skip(rows)
        return self.quantizer() == 1

    def quantizer(self) -> int:
        """Pass over a product quantizer; how many codes it gives each row."""
        columns, parts = self.take("<i"), self.take("<i")
        self.skip(8)  # their widths
        self.skip(4 * columns * _CENTROIDS)
        return parts

    def skip(self, size: int) -> None:
        if size < 0:
            raise ValueError("a negative size")
        self.position += size
