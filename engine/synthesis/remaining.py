"""What a run still has to do, without Ray: the same look decides whether to start and where to go on."""

import sys
from dataclasses import dataclass

from polydistill.engine.config import Synthesis
from polydistill.engine.generation.answers import Answers
from polydistill.engine.prompts import prepare
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.fingerprint import fingerprint
from polydistill.engine.storage.pool import missing
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder


@dataclass(frozen=True)
class Remaining:
    """The prompts of a run and the units that are not committed."""

    prompts: int  # usable rows of the sources
    rows: dict[int, int]  # unit -> its prompts
    pending: dict[int, list[str]]  # unit -> target languages that it lacks
    decisive: dict[str, object]  # what binds the folder, see `engine.storage.run_fingerprint`


def remaining(config: Synthesis) -> Remaining:
    """Prepare the prompts where that is not done, and look for the units that are not committed.

    Raises:
        UserError: unusable prompts, or the folder was made under another configuration.
    """
    folder = Folder.of(config.output)
    unit_rows = config.work.unit_rows

    def values(prompts: str) -> dict[str, object]:
        found = run_fingerprint.decisive(config, prompts)
        run_fingerprint.compare(folder, found)
        return found

    # Compared before prompts are written: other prompts never stand next to a pool.
    prompts = prepare.prepare(config.prompts, config.source, folder, unit_rows, config.seed, check=values).record
    decisive = values(prompts.fingerprint)
    rows = {unit: shard.rows for unit, shard in enumerate(prompts.units)}
    pending = missing(folder, len(rows), config.targets, fingerprint(decisive))
    if config.student is not None:
        pending |= {unit: config.targets for unit in _damaged_answers(folder) if unit in rows}
    return Remaining(prompts.rows_kept, rows, dict(sorted(pending.items())), decisive)


def _damaged_answers(folder: Folder) -> list[int]:
    """Units whose answers are damaged. Their translations are made again as well, so that both are of one mind."""
    found = Answers(folder / GENERATED).damaged()
    for problem in found.values():
        print(f"{problem} This is being done.", file=sys.stderr)
    return list(found)
