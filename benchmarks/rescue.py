"""What another chance brings and costs: tinyworld with first hypotheses only, with the next best, with a second model.

tinyworld's translator has never seen the rare names: what it makes of them is fluent and wrong. The second translator
is the same model trained on for a while with these names. Right translations are known, so that errors among the kept
texts are counted and not estimated.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.common import value
from polydistill.engine.config import Judge, Quality, Rules, Translate
from polydistill.engine.judging.rescue import OnceEstimator, RescueStage
from polydistill.engine.judging.stage import JudgeStage, load_estimator
from polydistill.engine.schema import FIELDS, GENERATED
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.translation.stage import TranslateStage
from polydistill.tinyworld.facts import SOURCE, TARGETS, facts
from polydistill.tinyworld.translator import FORMS, mixed

PACKAGES = ("ctranslate2", "torch", "transformers")
STEPS = 600


def run(rows: int = 200, hypotheses: int = 4, second: bool = False) -> list[dict[str, Any]]:
    """Measure.

    Args:
        rows: prompts.
        hypotheses: of each beam of four.
        second: whether a second translator is trained and measured, which takes about ten minutes on two cores.
    """
    from polydistill.tinyworld.build import build

    world = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
    with tempfile.TemporaryDirectory(prefix="polydistill-rescue-") as folder:
        fallback = second_translator(world / "models/nllb", Path(folder)) if second else None
        return _measure(world, rows, hypotheses, fallback, folder)


def _measure(world: Path, rows: int, hypotheses: int, second: Path | None, cache: str) -> list[dict[str, Any]]:
    model = str(world / "models/nllb")
    judge = Judge(rules=Rules(copied=1.0), quality=Quality(model=str(world / "models/comet"), threshold=0.8))
    table = _table(json.loads((world / "instructions.json").read_text(encoding="utf-8")), rows)
    results = []
    ways: dict[str, tuple[int, Path | None]] = {"first hypotheses": (1, None), "next best": (hypotheses, None)}
    if second is not None:
        ways["next best, then a second model"] = (hypotheses, second)
    for way, (count, other) in ways.items():
        first = TranslateStage(Translate(model=model, hypotheses=count, threads=1), cache=cache)
        again = TranslateStage(Translate(model=str(other), threads=1), cache=cache) if other else None
        model_of_quality = load_estimator(judge, "cpu")
        assert model_of_quality is not None
        estimator = OnceEstimator(model_of_quality)
        stage = RescueStage(JudgeStage(judge, "cpu", estimator), estimator, again)
        started = time.monotonic()
        pool = stage(first(table, list(TARGETS)))
        seconds = time.monotonic() - started
        for target in TARGETS:
            part = pool.filter(pc.equal(pool["target"], target))
            figures = figures_of(part)
            right, wrong = _errors(part)
            results.append(
                value(
                    f"kept share, {way}: {target}",
                    [figures.kept / figures.rows],
                    goal=1.0,
                    unit="share of rows",
                    packages=PACKAGES,
                    wrong_among_kept=round(wrong / max(right + wrong, 1), 4),
                    texts_checked=right + wrong,
                    seconds_all_languages=round(seconds, 1),
                    estimates_all_languages=estimator.pairs,
                    **vars(figures.rescue),
                )
            )
    return results


def second_translator(model: Path, folder: Path, steps: int = STEPS) -> Path:
    """tinyworld's translator after `steps` more steps in which the rare names occur."""
    from transformers import M2M100ForConditionalGeneration, NllbTokenizer

    from polydistill.tinyworld import translator
    from polydistill.tinyworld.training import batches, fit

    coder = NllbTokenizer.from_pretrained(model, src_lang=SOURCE)
    network = M2M100ForConditionalGeneration.from_pretrained(model)
    sentences = translator.Sentences(with_rare=True)

    def draw(rng: Any) -> translator.Pair:
        target = rng.choice(TARGETS)
        texts = sentences.draw(rng)
        return texts[SOURCE], texts[target], target

    def loss(pairs: list[translator.Pair]) -> Any:
        return network(**translator.encode(coder, pairs), use_cache=False).loss

    fit(network, loss, batches(draw, lambda pair: len(pair[0]), translator.BATCH, 9), steps, 1e-3, "second translator")
    network.save_pretrained(folder / "second")
    coder.save_pretrained(folder / "second")
    return folder / "second"


def _table(instructions: list[dict[str, str]], rows: int) -> pa.Table:
    chosen = [instructions[i] for i in np.linspace(0, len(instructions) - 1, rows).astype(int)]
    columns: dict[str, Any] = {field.name: pa.nulls(rows, field.type) for field in GENERATED}
    columns |= {"id": [f"{i:016x}" for i in range(rows)], "source": [SOURCE] * rows, "origin": [""] * rows}
    columns |= {"instruction": [row["instruction"] for row in chosen], "input": [row["input"] for row in chosen]}
    columns |= {"truth": [row["output"] for row in chosen]}
    return pa.table({name: columns[name] for name in GENERATED.names}, schema=GENERATED)


def _errors(part: pa.Table) -> tuple[int, int]:
    """(right, wrong) among the usable texts of kept rows whose right translation is known."""
    known = _right()
    kept = part.filter(pc.is_null(part["reason"]))
    right = wrong = 0
    for field in FIELDS:
        columns = (kept[name].to_pylist() for name in (field, f"mt_{field}", "target", f"reason_{field}"))
        for source, text, target, reason in zip(*columns):
            if source and reason is None and (source, target) in known:
                hit = text in known[source, target]
                right, wrong = right + hit, wrong + (not hit)
    return right, wrong


def _right() -> dict[tuple[str, str], set[str]]:
    """Right translations of every sentence about one fact."""
    known: dict[tuple[str, str], set[str]] = {}
    for fact in facts():
        for form in FORMS:
            texts = mixed(fact, form)
            for target in TARGETS:
                known.setdefault((texts[SOURCE], target), set()).add(texts[target])
    return known


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
