"""What makes two runs the same: a checkpoint or a finished model is only used by the run with the same identity."""

import hashlib
import json
from typing import Any

from polydistill.engine.config import Student, dump
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture
from polydistill.trainer.config import Train

# Changing these does not change the result, so a run may go on with other values.
RUNTIME = {"workers", "gpus", "cpus", "threads", "max_failures", "checkpoint_steps", "checkpoint_minutes", "keep"}
RUNTIME |= {"log_steps", "loggers", "offload"}


def identity(mixture: str, student: Student, train: Train) -> dict[str, Any]:
    """Everything that decides the trained weights, as JSON values."""
    record = Mixture.open(mixture).record
    content = json.dumps([shard.sha256 for shard in record.shards])
    settings = {key: value for key, value in dump(train).items() if key not in RUNTIME}
    return {
        **settings,
        **({"same_step": True} if record.recipe.same_step else {}),
        "objective": train.objective or record.recipe.objective,
        "model": student.model,
        "prompt": student.prompt,
        "mixture": hashlib.sha256(content.encode()).hexdigest()[:16],
    }


def refuse_another(identity: dict[str, Any], found: dict[str, Any], where: str) -> None:
    """UserError where what was found belongs to another run; it names the first field that differs."""
    for key in {**identity, **found}:
        if identity.get(key) != found.get(key):
            raise UserError(
                f"{where} was made with another {key}: {found.get(key)!r}, now {identity.get(key)!r}. "
                "Use another output folder, or delete this one to begin again"
            )
