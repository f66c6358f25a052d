"""The fingerprint of a run: everything that decides the content of its rows, models and prompts by content.

It binds a run's folder to one configuration. Paths are no part of it, so a run whose inputs or models were moved can be
extended. Knobs of a run's speed, and what only decides how much is done, may change between two starts.
"""

import sys
from dataclasses import dataclass

from polydistill.engine.config import Synthesis, dump
from polydistill.engine.errors import DamagedError, UserError, mended_by
from polydistill.engine.models.identity import model_identity
from polydistill.engine.storage.fingerprint import differences, fingerprint, flatten
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

FILE = "fingerprint.json"


@dataclass(frozen=True)
class Binding:
    """What a run's folder is bound to (fingerprint.json)."""

    values: dict[str, object]  # see `decisive`
    format: int = 1


# Judge thresholds are fixed, since the reasons in the pool depend on them. `engine.judging.decision.reasons` applies
# other thresholds later.
_FREE = (
    *("output", "targets", "prompts", "work", "translate.batch_tokens", "translate.threads"),
    *("translate.fallback.batch_tokens", "translate.fallback.threads", "judge.quality.batch_tokens", "student.price"),
    *("student.reward.gpus", "student.reward.batch_tokens"),
    *("translate.price", "translate.fallback.price"),
    *(f"student.endpoint.{key}" for key in ("url", "key", "concurrency", "requests_per_minute", "patience")),
)
_BY_CONTENT = (
    *("student.model", "student.reward.model", "translate.model", "translate.examples", "judge.language_id"),
    *("judge.quality.model", "judge.quality.encoder", "translate.fallback.model", "translate.fallback.examples"),
)


def decisive(config: Synthesis, prompts: str) -> dict[str, object]:
    """Everything that changes a row's content, as flat `section.key` -> value.

    Args:
        config: the run's configuration.
        prompts: fingerprint of the prompts, see `engine.prompts.prepare.fingerprint`.
    """
    flat = flatten({key: value for key, value in dump(config).items() if key in Synthesis.model_fields})
    values = {key: value for key, value in flat.items() if not any(f"{key}.".startswith(f"{free}.") for free in _FREE)}
    values["work.unit_rows"] = config.work.unit_rows
    values["prompts"] = prompts
    for key in _BY_CONTENT:
        if isinstance(model := values.get(key), str) and model:
            values[key] = model_identity(model)
    if config.student is None:
        del values["seed"]  # nothing else is drawn at random
    return dict(sorted(values.items()))


def bind(folder: Folder, values: dict[str, object]) -> str:
    """Bind the folder to `values`; returns their fingerprint."""
    if bound(folder) != values:
        write_record(folder, FILE, Binding(values))
    return fingerprint(values)


def read(folder: Folder) -> Binding:
    """What an earlier start has bound the folder to.

    Raises:
        DamagedError: the file is missing or damaged.
    """
    with mended_by("Run `polydistill synth` again: it writes the file anew where the units are this configuration's."):
        return read_record(folder, FILE, Binding)


def bound(folder: Folder) -> dict[str, object]:
    """The same as values; {} where that is not known: no file, or a damaged one."""
    try:
        return read(folder).values
    except DamagedError:
        return {}


def compare(folder: Folder, values: dict[str, object]) -> None:
    """Compare `values` with those that an earlier start has bound the folder to.

    Where the file is missing or damaged, the units' own records still tell whether they are this run's
    (`engine.storage.pool.missing`).

    Raises:
        UserError: the folder was made under another configuration. The message names every field that differs.
    """
    before = bound(folder)
    if not before and folder.exists(FILE):
        print(f"{folder.join(FILE)}: damaged. It is made anew where the units are this run's.", file=sys.stderr)
    if before and (lines := differences(before, values)):
        listed = "\n".join(f"  {line}" for line in lines)
        raise UserError(
            f"{folder.root} holds units made under another configuration:\n{listed}\n"
            "Set these back, or choose another `output`. (Batch sizes, pool sizes and further targets may change.)"
        )
