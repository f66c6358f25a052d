"""Packs are full and made in no time: 99.9% on Alpaca at 2,048 tokens, a million lengths within a second.

Measured against TRL's own `pack_dataset` (rule `bfd`) where TRL is installed, and against two published rules in our
own words: best-fit decreasing in batches of 1,000 rows (TRL's) and "the largest that fits" by bisection in batches of
1,000 (LLaMA-Factory's). TRL moves the rows' tokens into packs as well, which ours leaves where they are, in a file that
training maps into memory. Lengths are those of the Alpaca rows that POLYDISTILL_DATA holds, in tokens of a BPE trained
on them; without them, lognormal ones, and the row says so.
"""

import bisect
import functools
import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common, peer_trl
from polydistill.trainer.data.packing import fill, pack

LIMIT = 2048
BATCH = 1_000


def run() -> list[dict[str, Any]]:
    """Fill and time on the rows' lengths versus each peer, and the time of a million lengths."""
    lengths, origin = alpaca_lengths()
    lengths = lengths[lengths <= LIMIT]
    million = np.clip(np.random.default_rng(0).lognormal(5.0, 0.8, 1_000_000).astype(np.int64), 1, LIMIT)
    settings: dict[str, Any] = {"limit": LIMIT, "packages": ["numba", "numpy"]}
    filled = [fill(pack(lengths, LIMIT, seed=seed), lengths, LIMIT) for seed in range(3)]
    rows = [
        common.value("packs filled", filled, goal=0.999, unit="share", rows=len(lengths), lengths=origin, **settings),
        common.value(
            "seconds for a million lengths",
            [_seconds(million) for _ in range(5)],
            goal=1.0,
            unit="s",
            at_most=True,
            lengths="lognormal(5, 0.8)",
            **settings,
        ),
    ]
    peers: dict[str, Callable[[], int]] = {
        "best-fit decreasing per 1,000 (TRL's bfd)": functools.partial(trl, lengths),
        "largest that fits per 1,000 (LLaMA-Factory)": functools.partial(factory, lengths),
    }
    if peer_trl.installed():
        settings["packages"] += ["trl", "datasets"]
        samples = [(np.zeros(length, dtype=np.int32), 1) for length in lengths]
        peers["TRL's pack_dataset"] = functools.partial(peer_trl.packs, peer_trl.dataset(samples), LIMIT)
    for name, peer in peers.items():
        described: dict[str, Any] = {"against": name, "goal": 1.0, "lengths": origin, **settings}
        theirs = float(lengths.sum()) / (peer() * LIMIT)
        rows.append(common.ratio(f"packs filled versus {name}", filled[:1], [theirs], unit="share", **described))
        rows.append(
            common.paired(
                f"rows packed per second versus {name}",
                functools.partial(_discard, pack, lengths, LIMIT),
                functools.partial(_discard, peer),
                amount=len(lengths),
                unit="rows/s",
                repeats=5,
                **described,
            )
        )
    return rows


def alpaca_lengths() -> tuple[np.ndarray, str]:
    """Tokens of prompt and answer of each Alpaca row, and where the numbers come from."""
    folder = os.environ.get("POLYDISTILL_DATA")
    if not folder:
        lengths = np.random.default_rng(1).lognormal(4.7, 0.6, 28_203).astype(np.int64)
        return np.maximum(lengths, 1), "lognormal(4.7, 0.6); POLYDISTILL_DATA is not set"
    texts = alpaca_texts(Path(folder))
    tokenizer = trained_tokenizer([prompt + answer for prompt, answer in texts], 32_000)
    encoded = tokenizer.encode_batch_fast([prompt + answer for prompt, answer in texts])
    return np.array([len(row.ids) + 2 for row in encoded]), "28,203 Alpaca rows, a BPE of 32,000 trained on them"


def alpaca_texts(folder: Path) -> list[tuple[str, str]]:
    """(Alpaca prompt, answer) of every row."""
    from polydistill.engine.generation.prompting.templates import render

    with gzip.open(folder / "alpaca" / "alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [(render("alpaca", row["instruction"], row["input"]), row["output"]) for row in rows]


def trained_tokenizer(texts: list[str], size: int) -> Any:
    """A byte-level BPE of `size` pieces."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


def trl(lengths: np.ndarray) -> int:
    """Packs that best-fit decreasing makes of each 1,000 rows; the rooms stand in a sorted list."""
    packs = 0
    for start in range(0, len(lengths), BATCH):
        rooms: list[int] = []
        for length in sorted(lengths[start : start + BATCH].tolist(), reverse=True):
            place = bisect.bisect_left(rooms, length)
            room = rooms.pop(place) if place < len(rooms) else LIMIT
            packs += room == LIMIT
            bisect.insort(rooms, room - length)
    return packs


def factory(lengths: np.ndarray) -> int:
    """Packs made of each 1,000 rows by filling one after the other with the largest sample that fits."""
    packs = 0
    for start in range(0, len(lengths), BATCH):
        waiting = sorted(lengths[start : start + BATCH].tolist())
        while waiting:
            packs, room = packs + 1, LIMIT
            while (place := bisect.bisect_right(waiting, room) - 1) >= 0:
                room -= waiting.pop(place)
    return packs


def _discard(function: Callable[..., Any], *arguments: Any) -> None:
    function(*arguments)


def _seconds(lengths: np.ndarray) -> float:
    begun = time.perf_counter()
    pack(lengths, LIMIT)
    return time.perf_counter() - begun


if __name__ == "__main__":
    for row in run():
        print(json.dumps(row, ensure_ascii=False))
