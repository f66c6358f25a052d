"""Preference pairs (`dpo`): of one prompt's answers the best and the worst by score.

In each target language the two answers are the translations of y and y^ with their QE scores. In the source language
they are the student's own candidates, where several were generated and scored.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from polydistill.engine.errors import UserError
from polydistill.engine.export.formats import Row
from polydistill.engine.export.samples import Source, tables, translated_history
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.prompts.conversation import messages

Scored = tuple[float, str]


def preferences(source: Source, margin: float, seed: int | None, dropped: Counter[str]) -> Iterator[Row]:
    """TRL's rows: prompt, chosen and rejected as messages, with both scores.

    Args:
        source: a pool.
        margin: minimum difference of the scores.
        seed: of the order; None: the order of the shards.
        dropped: reasons why a prompt gives no pair are counted here.

    Raises:
        UserError: a mixture, which holds one answer of each prompt.
    """
    if isinstance(source, Mixture):
        raise UserError(
            f"{source.folder.root}: a mixture holds one answer of each prompt, so it has no preferences. Name the "
            "run's folder, whose pool holds all answers with their scores."
        )
    seen: set[str] = set()
    for table in tables(source, seed):
        for row in table.select(_columns(table)).to_pylist():
            yield from _translated(row, margin, dropped)
            if row["id"] not in seen and row.get("self_candidates"):
                seen.add(row["id"])
                yield from _own(row, margin, dropped)


def _columns(table: pa.Table) -> list[str]:
    fields = ("instruction", "input", "truth", "self")
    names = ["id", "target", "source", "system", "history", "instruction", "input", "self_candidates"]
    names += ["mt_system", "mt_history", "reason_system", "reason_history"]
    names += [f"{kind}_{field}" for field in fields for kind in ("mt", "reason", "scores")]
    return [name for name in names if name in table.column_names]


def _translated(row: Mapping[str, Any], margin: float, dropped: Counter[str]) -> Iterator[Row]:
    """The better translated answer against the other; the question must be usable, the worse answer need not."""
    if any(row[f"reason_{name}"] for name in ("instruction", "input")) or not row["mt_instruction"]:
        dropped["question:unusable"] += 1
        return
    if any([row["reason_system"], *(row["reason_history"] or ())]):
        dropped["conversation:unusable"] += 1
        return
    scored: list[tuple[Scored, bool]] = []
    for name in ("truth", "self"):
        quality, text = (row[f"scores_{name}"] or {}).get("quality"), row[f"mt_{name}"]
        if quality is None or not text:
            dropped["answers:fewer_than_two_scored"] += 1
            return
        scored.append(((quality, text), row[f"reason_{name}"] is None))
    (worst, _), (best, good) = sorted(scored)
    if not good:
        dropped["chosen:unusable"] += 1
        return
    prompt = messages(row["mt_system"], translated_history(row), row["mt_instruction"], row["mt_input"] or "")
    yield from _pair(row["id"], row["target"], prompt, best, worst, margin, dropped)


def _own(row: Mapping[str, Any], margin: float, dropped: Counter[str]) -> Iterator[Row]:
    scored = sorted((c["score"], c["text"]) for c in row["self_candidates"] if c["score"] is not None and c["text"])
    if len(scored) < 2:
        dropped["candidates:fewer_than_two_scored"] += 1
        return
    prompt = messages(row["system"], row["history"], row["instruction"], row["input"] or "")
    yield from _pair(row["id"], row["source"], prompt, scored[-1], scored[0], margin, dropped)


def _pair(
    id: str, language: str, prompt: list[Row], best: Scored, worst: Scored, margin: float, dropped: Counter[str]
) -> Iterator[Row]:
    if best[0] - worst[0] < margin or best[1] == worst[1]:
        dropped["scores:within_margin"] += 1
        return
    chosen, rejected = ([{"role": "assistant", "content": text}] for _, text in (best, worst))
    yield {
        "id": id, "language": language, "prompt": prompt, "chosen": chosen, "rejected": rejected,
        "score_chosen": best[0], "score_rejected": worst[0],
    }  # fmt: skip
