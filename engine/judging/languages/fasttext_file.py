"""Whether a file is a whole fastText model: the library itself never returns from some that are cut.

The layout is fastText's binary format, version 12 (Args, Dictionary, input matrix, output matrix; quantized or not).
Only sizes are read, so a model of gigabytes takes a second at most.
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
        except (struct.error, ValueError, IndexError) as error:
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
        self.position += _ARGUMENTS.size
        labels = self.dictionary()
        quantized = bool(self.take("<?"))
        self.quantized_matrix() if quantized else self.matrix()
        output = bool(self.take("<?"))
        self.quantized_matrix() if quantized and output else self.matrix()
        return labels, self.position

    def take(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self.data, self.position)
        self.position += struct.calcsize(layout)
        return int(value)

    def dictionary(self) -> list[str]:
        """Pass over words and labels; the labels."""
        entries, _, _ = (self.take("<i") for _ in range(3))
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
        self.position += 8 * max(pruned, 0)
        return labels

    def matrix(self) -> None:
        rows, columns = self.take("<q"), self.take("<q")
        self.skip(4 * rows * columns)

    def quantized_matrix(self) -> None:
        norms = bool(self.take("<?"))
        rows, _ = self.take("<q"), self.take("<q")
        self.skip(self.take("<i"))
        self.quantizer()
        if norms:
            self.skip(rows)
            self.quantizer()

    def quantizer(self) -> None:
        columns = self.take("<i")
        self.position += 12  # subquantizers and their widths
        self.skip(4 * columns * _CENTROIDS)

    def skip(self, size: int) -> None:
        if size < 0:
            raise ValueError("a negative size")
        self.position += size
