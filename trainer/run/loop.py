"""One rank's way through training, from top to bottom."""

import itertools
import shutil
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow.fs
import torch
import torch.distributed as dist

from polydistill.engine.config import Student, dump
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.shards import Folder
from polydistill.trainer.config import Train
from polydistill.trainer.data import samples as tokenization
from polydistill.trainer.data.objective import Weighing
from polydistill.trainer.data.samples import Samples
from polydistill.trainer.data.step_plan import Plan
from polydistill.trainer.distributed import checkpoint, deepspeed_engine
from polydistill.trainer.distributed.export import export
from polydistill.trainer.distributed.ranks import rank_zero_says, together
from polydistill.trainer.model.load import PackedLM, check_packing, load
from polydistill.trainer.run import learning_rate, memory
from polydistill.trainer.run.log import Log, local_folder
from polydistill.trainer.run.train_step import Figures, train_step, validate

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.25, torch.float16: 0.05}
"""Largest difference of a token's loss, packed against alone, that the start-up check lets pass."""


def run(mixture: str, student: Student, train: Train, out: str, identity: dict[str, Any]) -> str:
    """Train with all ranks of the process group; returns the folder of the trained model.

    Args:
        identity: what the run is (see `trainer.run.launch`); a checkpoint with another one is refused.
    """
    deepspeed_engine.prepare()
    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    dtype = together(lambda: _dtype(train, device))
    place = Folder.of(out)
    tokenizer = together(lambda: _tokenizer(student, train))
    manifest = _prepare_tokens(Mixture.open(mixture), place / "tokens", tokenizer, student, train)
    plan, held = together(lambda: _plans(place / "tokens", manifest, train, identity))
    state = together(lambda: checkpoint.newest(place / "checkpoints", identity))
    universal = checkpoint.needs_conversion(state, train.deepspeed)
    settings = deepspeed_engine.settings(train, dist.get_world_size(), dtype, universal)
    torch.manual_seed(train.seed)
    packed = together(lambda: load(student, train, device, dtype, tokenizer, settings))
    engine = deepspeed_engine.start(packed, train, settings)
    difference = together(lambda: _check(packed, plan, device, dtype))
    if state["step"]:
        checkpoint.load(engine, place / "checkpoints", checkpoint.name(state["step"]), universal)
    log = together(lambda: Log(place, train.loggers, dump(train), state["step"], dist.get_rank()))
    state = Loop(engine, plan, held, place / "checkpoints", state, identity, log, list(manifest["subsets"])).run()
    log.close()
    folder = local_folder(place)
    model = export(engine, tokenizer, folder, train.lora is None or train.lora.merge)
    if dist.get_rank() == 0:
        if folder != place.root:
            pyarrow.fs.copy_files(folder, place.root, destination_filesystem=place.filesystem)
            shutil.rmtree(folder)
        summary = _summary(plan, identity, manifest, state, dtype)
        place.write_json("training.json", {**summary, "packed_difference": difference, "curve": log.curve})
    dist.barrier()
    return f"{out}/{model}"


def _dtype(train: Train, device: torch.device) -> torch.dtype:
    if train.precision == "fp16" and device.type == "cpu":
        raise UserError("train.precision=fp16 needs a GPU; on a CPU use fp32, or bf16 to try a run out")
    if train.precision == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[train.precision]


def _tokenizer(student: Student, train: Train) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(student.model, trust_remote_code=student.trust_remote_code)
    except (OSError, ValueError) as error:
        raise UserError(f"{student.model}: no tokenizer could be loaded ({error})") from error
    if tokenizer.eos_token_id is None:
        raise UserError(f"{student.model}: the tokenizer names no end token (eos_token); answers could not end")
    tokenizer.add_tokens(train.new_tokens)
    return tokenizer


def _prepare_tokens(mixture: Mixture, tokens: Folder, tokenizer: Any, student: Student, train: Train) -> dict[str, Any]:
    """Tokenize with all ranks, each some shards; what is there already is kept."""
    how = tokenization.Recipe(student.prompt, train.max_tokens, train.too_long, train.validation, train.seed)
    subsets = dict(sorted(mixture.record.weights.items()))
    key = tokenization.fingerprint(mixture.record, tokenizer, how)
    rank, ranks = dist.get_rank(), dist.get_world_size()
    together(lambda: tokenization.write_part(mixture, tokens, tokenizer, list(subsets), how, rank, ranks, key))
    together(lambda: tokenization.write_manifest(mixture, tokens, subsets, key) if rank == 0 else None)
    return tokens.read_json("manifest.json")


def _plans(
    tokens: Folder, manifest: dict[str, Any], train: Train, identity: dict[str, Any]
) -> tuple[Plan, Plan | None]:
    """The order of training, and the held-out samples where there are any."""
    samples = Samples.open(tokens, manifest)
    weights = np.array(list(manifest["subsets"].values()))
    weighing = Weighing(identity["objective"], train.mean_over, train.denominator, weights)
    held = np.flatnonzero(samples.validation)
    plan = Plan(samples, np.flatnonzero(~samples.validation), train, weighing, identity.get("same_step", False))
    assert plan.steps  # a prompt that is too large for a step is said here, before the model is loaded
    return plan, Plan(samples, held, train, weighing) if len(held) else None


def _check(packed: PackedLM, plan: Plan, device: torch.device, dtype: torch.dtype) -> float:
    """Packed == unpacked for the shortest few samples, before anything is trained."""
    order = np.argsort(plan.samples.length[plan.chosen], kind="stable")
    few = plan.chosen[order[:4]][::-1]
    ones = np.ones(len(few))
    alone = [plan.batch(few[i : i + 1], ones[:1]).to(device) for i in range(len(few))]
    packed.eval()
    difference = check_packing(packed, alone, plan.batch(few, ones).to(device), TOLERANCE[dtype])
    packed.train()
    return difference


class Loop:
    """The steps between the start (or a checkpoint) and the end, with what happens now and then."""

    def __init__(
        self,
        engine: Any,
        plan: Plan,
        held: Plan | None,
        checkpoints: Folder,
        state: dict[str, Any],
        identity: dict[str, Any],
        log: Log,
        names: list[str],
    ) -> None:
        self.engine, self.plan, self.held, self.checkpoints = engine, plan, held, checkpoints
        self.state, self.identity, self.log, self.names = state, identity, log, names
        self.train, self.device = plan.train, engine.device
        fixed = self.train.learning_rate
        self.peak = learning_rate.automatic(plan.answer_tokens_per_step) if fixed == "auto" else fixed
        self.waiting: list[tuple[int, float, Figures]] = []
        self.saved = self.since = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Train to the end; the engine then holds the best weights, or the last ones without validation."""
        train, steps = self.train, self.plan.steps
        for step in range(self.state["step"], steps):
            if self.state["bad"] and self.state["bad"] == train.patience:
                break
            rate = self.peak * learning_rate.factor(step, steps, train.schedule, train.warmup)
            self.waiting.append((step, rate, train_step(self.engine, self.plan, step, rate, self.device)))
            self.state["step"] = step + 1
            last = step + 1 == steps
            due = bool(train.checkpoint_steps and (step + 1) % train.checkpoint_steps == 0)
            if train.checkpoint_minutes:
                due |= rank_zero_says(time.monotonic() - self.saved > 60 * train.checkpoint_minutes, self.device)
            every = train.validate_steps or self.plan.steps_per_epoch
            if self.held and (last or (step + 1) % every == 0):
                due |= self._validate()
            if last or due or len(self.waiting) >= train.log_steps:
                self._write()
            if due:
                self._save()
        if self.state["best"] and self.state["best"]["step"] != self.state["step"]:
            checkpoint.load(self.engine, self.checkpoints, checkpoint.name(self.state["best"]["step"]))
        return self.state

    def _validate(self) -> bool:
        """Measure the validation loss; whether it is the best so far."""
        assert self.held is not None
        loss, step = validate(self.engine, self.held, self.device), self.state["step"]
        self.state["validation"].append({"step": step, "loss": loss})
        better = self.state["best"] is None or loss < self.state["best"]["loss"]
        self.state["bad"] = 0 if better else self.state["bad"] + 1
        if better:
            self.state["best"] = {"step": step, "loss": loss}
        return better

    def _save(self) -> None:
        self.log.publish()
        checkpoint.save(self.engine, self.checkpoints, {**self.state, "identity": self.identity}, self.train.keep)
        self.saved = time.monotonic()

    def _write(self) -> None:
        """Gather the waiting steps' figures from all ranks and log them."""
        table = torch.stack([figures.sums for _, _, figures in self.waiting])
        dist.all_reduce(table)
        skipped: list[list[str]] = [[]] * dist.get_world_size()
        if self.train.nonfinite == "skip":
            dist.all_gather_object(skipped, [row for _, _, figures in self.waiting for row in figures.skipped])
        self.state["skipped"] += itertools.chain.from_iterable(skipped)
        seconds, self.since = time.monotonic() - self.since, time.monotonic()
        tokens = sum(figures.tokens for _, _, figures in self.waiting)
        answers = sum(figures.answer_tokens for _, _, figures in self.waiting)
        speed = {
            "tokens_per_second": tokens / seconds,
            "answer_tokens_per_second": answers / seconds,
            "mfu": memory.mfu(self.engine.module.model, tokens / seconds, self.plan, self.device),
            "memory_gib": memory.used(self.device),
        }
        records = [
            self._record(step, rate, figures, row.tolist()) | speed
            for (step, rate, figures), row in zip(self.waiting, table)
        ]
        self.waiting = []
        self.log.write(records)

    def _record(self, step: int, rate: float, figures: Figures, row: list[float]) -> dict[str, Any]:
        count = len(self.names)
        validated = [v["loss"] for v in self.state["validation"] if v["step"] == step + 1]
        return {
            "step": step + 1,
            "of": self.plan.steps,
            "loss": row[0],
            **{
                f"loss/{name}": row[1 + i] / row[1 + count + i]
                for i, name in enumerate(self.names)
                if row[1 + count + i]
            },
            **({"validation_loss": validated[0]} if validated else {}),
            "learning_rate": rate,
            "grad_norm": figures.grad_norm,
            "tokens": figures.tokens,
            "answer_tokens": figures.answer_tokens,
            "fill": figures.tokens / (figures.packs * self.train.max_tokens),
        }


def _summary(
    plan: Plan, identity: dict[str, Any], manifest: dict[str, Any], state: dict[str, Any], dtype: torch.dtype
) -> dict[str, Any]:
    """What training.json says besides the curve."""
    packages = [f"{name}:{version(name)}" for name in ("polydistill", "torch", "transformers", "deepspeed", "ray")]
    run = [f"seed:{plan.train.seed}", plan.train.deepspeed, f"ranks:{dist.get_world_size()}", str(dtype)[6:]]
    return {
        "signature": "|".join([*packages, *run, f"mixture:{identity['mixture']}"]),
        "identity": identity,
        "steps": state["step"],
        "steps_per_epoch": plan.steps_per_epoch,
        "fill": plan.fill,
        "answer_tokens_per_step": plan.answer_tokens_per_step,
        "dropped": manifest["counts"],
        "skipped": state["skipped"],
        "subsets": manifest["figures"],
        "validation": state["validation"],
        "best": state["best"],
    }
