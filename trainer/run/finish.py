"""What stands in a run's folder after training: the model with its card, training.json, one checkpoint."""

import os
import shutil
from dataclasses import replace

import pyarrow.fs
import torch.distributed as dist

from polydistill.engine.config import Student
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.mixing.mixture import MixtureRecord
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.distributed import checkpoint
from polydistill.trainer.distributed.digests import folder_digests
from polydistill.trainer.distributed.engine import Engine
from polydistill.trainer.distributed.export import export
from polydistill.trainer.publish.hub import push
from polydistill.trainer.publish.model_card import model_card
from polydistill.trainer.records import TRAINING, TrainingRecord
from polydistill.trainer.run.log import local_folder

CARD = "README.md"
"""The model's card. Its text may be changed, so it is no part of the record."""
STEPS = "steps"
"""Folder of the models that `train.checkpoints: hf` keeps, by step."""


def keep_model(engine: Engine, tokenizer: Tokenizer, student: Student, train: Train, place: Folder, step: int) -> None:
    """Write the model as it is after `step` steps to steps/STEP/, with all ranks."""
    folder = local_folder(place)
    target = f"{STEPS}/{checkpoint.name(step)}"
    export(engine, tokenizer, student, f"{folder}/{target}", _merge(train))
    if dist.get_rank() == 0 and folder != place.root:
        pyarrow.fs.copy_files(f"{folder}/{target}", place.join(target), destination_filesystem=place.filesystem)
        shutil.rmtree(f"{folder}/{target}")
    dist.barrier()


def finish(
    engine: Engine,
    tokenizer: Tokenizer,
    student: Student,
    train: Train,
    place: Folder,
    mixture: MixtureRecord,
    record: TrainingRecord,
) -> str:
    """Write the model and training.json; keep only the checkpoints that the model can be made again from.

    Returns:
        Name of the folder to use, "model" or "adapter".
    """
    folder = local_folder(place)
    record = replace(record, model=export(engine, tokenizer, student, folder, _merge(train)))
    if dist.get_rank() == 0:
        _write_cards(folder, record, mixture, student)
        files = {name: digest for part in ("model", "adapter") for name, digest in folder_digests(folder, part).items()}
        files = {name: digest for name, digest in files.items() if not name.endswith(CARD)}
        if train.hub:
            push(os.path.join(folder, record.model), train.hub)
        if folder != place.root:
            pyarrow.fs.copy_files(folder, place.root, destination_filesystem=place.filesystem)
            shutil.rmtree(folder)
        write_record(place, TRAINING, replace(record, files=files))
        kept = {checkpoint.name(step) for step in (record.steps, record.best.step if record.best else record.steps)}
        for tag in set(checkpoint.finished(place / "checkpoints")) - kept:
            checkpoint.remove(place / "checkpoints", tag)
    dist.barrier()
    return record.model


def _write_cards(folder: str, record: TrainingRecord, mixture: MixtureRecord, student: Student) -> None:
    for part in ("model", "adapter"):
        if os.path.isdir(os.path.join(folder, part)):
            card = model_card(replace(record, model=part), mixture, student)
            with open(os.path.join(folder, part, CARD), "w", encoding="utf-8") as file:
                file.write(card)


def _merge(train: Train) -> bool:
    return train.lora is None or train.lora.merge
