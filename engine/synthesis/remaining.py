"""What a run still has to do, without Ray: the same look decides whether to start and where to go on."""

import sys
from collections.abc import Iterable
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
        pending |= dict.fromkeys(_unanswered(folder, rows), config.targets)
    return Remaining(prompts.rows_kept, rows, dict(sorted(pending.items())), decisive)


def _unanswered(folder: Folder, units: Iterable[int]) -> list[int]:
    """Units without answers, or with damaged ones. Their translations are made again, so that both are of one mind."""
    answers = Answers(folder / GENERATED)
    damaged, there = answers.damaged(), answers.names()
    for problem in damaged.values():
        print(f"{problem} This is being done.", file=sys.stderr)
    return [unit for unit in units if unit in damaged or answers.name(unit) not in there]
