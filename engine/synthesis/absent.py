"""Records that a finished run has, by its prompts and its configuration, and that its folder has not."""

from collections.abc import Mapping
from typing import Any

from polydistill.engine.generation.answers import Answers
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.storage.pool import record_name
from polydistill.engine.storage.run_folder import GENERATED, UNITS
from polydistill.engine.storage.shards import Folder

GO_ON = "Run `polydistill synth` again: it goes on where it was."


def absent(run: Folder, config: Mapping[str, Any]) -> list[str]:
    """Names of the records that are missing, relative to the run's folder: of answers, then of each language.

    Args:
        run: the folder.
        config: the run's configuration; {} where that is not known, and what is there tells of languages and answers.

    Raises:
        UserError: the run has no prompts.
        DamagedError: the record of the prompts is damaged.
    """
    units = range(len(open_prompts(run).record.units))
    there = {f"{UNITS}/{name}" for name in (run / UNITS).names(recursive=True)}
    there |= {f"{GENERATED}/{name}" for name in (run / GENERATED).names()}
    answered = config.get("student") is not None or any(name.startswith(GENERATED) for name in there)
    targets = {name.split("/")[1] for name in there if name.startswith(UNITS)} | set(config.get("targets", ()))
    wanted = [f"{GENERATED}/{Answers.name(unit)}" for unit in units if answered]
    wanted += [record_name(target, unit) for target in sorted(targets) for unit in units]
    return [name for name in wanted if name not in there]
