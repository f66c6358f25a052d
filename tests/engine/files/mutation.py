r"""Damaged files through many readers, in processes of their own: a corrupt file must not end the tests' process.

The suite damages a small part. Everything, ten minutes and more:

    POLYDISTILL_MUTATIONS=8400 pytest tests/engine/files/test_mutations.py tests/eval/data/test_mutations.py \
        tests/faults/test_mutations.py
"""

import importlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from polydistill.engine.errors import UserError

COUNT = int(os.environ.get("POLYDISTILL_MUTATIONS", "400"))
"""Damaged files for each module of readers."""
WORKERS = 4
Reader = tuple[str, bytes, Callable[[Path, Path], None]]
"""A file's name, its content, and what reads it: called with the file and an empty folder."""

SPLICES = [
    b"\xff",
    b"\0",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b'"',
    b"{",
    b"[" * 3000,
    b"\\ud800",
    b"9" * 5000,
    b"\n",
    b"\xef\xbb\xbf",
]


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """`raw` with one to sixteen damages: flipped bits, bytes put in, taken out, doubled, and an end cut off."""
    data = bytearray(raw)
    for _ in range(draw.choice([1, 1, 2, 4, 16])):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at : at + draw.randrange(5)] = draw.choice(SPLICES)
        elif kind == 2:
            del data[at : at + draw.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = draw.randbytes(draw.randrange(1, 9))
        elif kind == 4 and draw.random() < 0.2:
            del data[at:]
        else:
            data[at:at] = data[at : at + draw.randrange(1, 200)]
    return bytes(data)


def work(readers: list[Reader], seed: int, count: int, folder: Path) -> None:
    """Damage `count` files, the readers' in turn, and read them.

    Raises:
        AssertionError: something else than a UserError was raised, or a message is very long. The file stays.
    """
    draw = random.Random(seed)
    for number in range(count):
        name, raw, reader = readers[number % len(readers)]
        here = folder / f"{seed}-{number}"
        (here / name).parent.mkdir(parents=True)
        (here / name).write_bytes(mutated(raw, draw))
        try:
            reader(here / name, here)
        except UserError as error:
            if len(str(error)) > 3000:
                raise AssertionError(f"{here / name}: a message of {len(str(error)):,} characters") from error
        except BaseException as error:
            raise AssertionError(f"{reader} of {here / name}: {type(error).__name__}: {error}") from error
        shutil.rmtree(here)


def damage(module: str, folder: Path) -> None:
    """Damage COUNT files of `module`'s READERS in WORKERS processes; fails with the first error of each."""
    each = -(-COUNT // WORKERS)
    command = [sys.executable, "-m", __name__, module]
    running = [
        subprocess.Popen([*command, str(seed), str(each), str(folder)], stderr=subprocess.PIPE, text=True)
        for seed in range(WORKERS)
    ]
    for process in running:
        errors = process.communicate()[1]
        assert process.returncode == 0, f"exit code {process.returncode}\n{errors[-3000:]}"


if __name__ == "__main__":
    work(importlib.import_module(sys.argv[1]).READERS, int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
