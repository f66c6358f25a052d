"""The layout of a run's folder, and the lock that one process holds on it.

    run/
      config.yaml                   the resolved configuration, see `engine.storage.configuration`
      fingerprint.json              everything that decides the rows' content
      prompts/000000.arrow          PROMPT rows of unit 0; prompts/manifest.json is their record
      prompts/dropped.arrow         rows of the source files that are unusable, each with its reason
      generated/000000.arrow        the same rows, answered by the student
      pool/deu_Latn/000000.arrow    POOL rows: the same rows in the same order, in one target language
      units/deu_Latn/000000.json    the record of one unit in one language
      mixtures/sdrrl/               a mixture, see `engine.mixing.mix`

A unit is one prompt shard in one target language. It exists when its record does. The record is written last.
"""

import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow.fs

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder

PROMPTS, GENERATED, POOL, UNITS, MIXTURES = "prompts", "generated", "pool", "units", "mixtures"


def shard_name(unit: int) -> str:
    """File name of a unit's shard."""
    return f"{unit:06}.arrow"


@contextmanager
def exclusive(folder: Folder, name: str = "run.lock") -> Iterator[None]:
    """Hold an artifact's folder for this process.

    Local and network file systems: a lock on the file `name`, which the kernel releases when the process ends, however
    it ends. Object stores have no locks. A line on stderr then says that the folder is not guarded.

    Raises:
        UserError: another process holds it.
    """
    if not isinstance(folder.filesystem, pyarrow.fs.LocalFileSystem):
        print(f"{folder.root}: no lock is possible here. Start no second run on it meanwhile.", file=sys.stderr)
        yield
        return
    os.makedirs(folder.root, exist_ok=True)
    with open(folder.join(name), "a+", errors="replace") as file:  # it may hold anything
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise UserError(
                f"{folder.root}: another run is writing here ({file.read(200).strip()}). Wait for it, stop it, "
                "or choose another output folder."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def refuse_in_use(folder: Folder) -> None:
    """Look for another process in a run's folder before Ray is started, which takes seconds.

    Raises:
        UserError: there is one. Object stores do not tell.
    """
    if isinstance(folder.filesystem, pyarrow.fs.LocalFileSystem):
        with exclusive(folder):
            pass
