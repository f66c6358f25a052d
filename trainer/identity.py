"""What makes two runs the same: a checkpoint or a finished model is only used by the run with the same identity."""

from dataclasses import asdict

from polydistill.engine.config import Student, dump
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture, MixtureRecord
from polydistill.engine.models.identity import model_identity
from polydistill.engine.storage.fingerprint import differences, fingerprint, flatten
from polydistill.trainer.config import Train
from polydistill.trainer.records import Identity

# Changing these does not change the result, so a run may go on with other values.
RUNTIME = {"workers", "gpus", "cpus", "threads", "max_failures", "checkpoint_steps", "checkpoint_minutes", "keep"}
RUNTIME |= {"log_steps", "loggers", "offload", "pass_tokens", "compile", "checkpoints", "hub"}
RUNTIME |= {"before"}  # what the trainings before have made is the student


def identity(mixture: str, student: Student, train: Train) -> Identity:
    """Everything that decides the trained weights.

    Raises:
        UserError: there is no mixture, or no model at the student's path.
    """
    record = Mixture.open(mixture).record
    return Identity(
        settings={key: value for key, value in dump(train).items() if key not in RUNTIME},
        objective=train.objective or record.recipe.objective,
        same_step=record.recipe.same_step,
        model=model_identity(student.model),
        prompt=[student.prompt, student.template] if student.template else student.prompt,
        mixture=mixture_content(record),
    )


def mixture_content(record: MixtureRecord) -> str:
    """16 hex digits that change when a row or a subset's weight does."""
    return fingerprint([[shard.sha256 for shard in record.shards], record.weights])


def refuse_another(mine: Identity, found: Identity, where: str) -> None:
    """UserError where what was found belongs to another run; it names every field that differs."""
    differ = differences(_flat(found), _flat(mine))
    if differ:
        raise UserError(
            f"{where} was made by another training:\n"
            + "\n".join(f"  {line}" for line in differ)
            + "\nUse another output folder, or delete this one to begin again."
        )


def _flat(identity: Identity) -> dict[str, object]:
    fields = asdict(identity)
    return flatten({"train": fields.pop("settings")} | fields)
