"""Mixing: SDRRL's recipe over 28,203 prompts x 14 languages gives at least 100,000 samples a second on 2 cores.

Measured against that goal, against a plain Arrow copy of the same samples (read every shard, write it again, in one
process), and for memory against half of the pool. The pool is made here: Alpaca's prompts where POLYDISTILL_DATA
names the data, else text of the same lengths; translations are stand-ins (each word turned into another one, in
Japanese without spaces), since mixing does not look at what words mean. Dictionaries hold the 20,000 most frequent
words.
"""

import gzip
import json
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from benchmarks.common import ratio, value
from engine.config import Dictionaries, Parallel
from engine.mix import mix
from engine.pool import POOL as FOLDER
from engine.pool import UNITS, shard_name
from engine.recipe import load_recipe
from engine.schema import FIELDS, POOL
from engine.shards import Place, read_table, to_json, write_table

LANGUAGES = [
    *("ces_Latn", "dan_Latn", "ukr_Cyrl", "bul_Cyrl", "fin_Latn", "hun_Latn", "nob_Latn"),
    *("ind_Latn", "jpn_Jpan", "kor_Hang", "por_Latn", "slv_Latn", "vie_Latn", "pol_Latn"),
]
"""The targets of SDRRL's LLaMA-2 experiments."""

UNIT = 512
_CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абсдефгхижклмнопярстувшхуз")
_HANGUL = str.maketrans("abcdefghijklmnopqrstuvwxyz", "가나다라마바사아자차카타파하거너더러머버서어저처커터")
_KANA = str.maketrans("abcdefghijklmnopqrstuvwxyz", "あいうえおかきくけこさしすせそたちつてとなにぬねのは")


def run(prompts: int = 28_203, repeats: int = 3) -> list[dict[str, Any]]:
    """Measure; see the module's text."""
    with tempfile.TemporaryDirectory(prefix="polydistill-mixing-") as folder:
        place = Path(folder)
        rows = _alpaca(prompts)
        _dictionaries(place, rows)
        _pool(place / "whole", rows)
        _pool(place / "half", rows[: len(rows) // 2])
        rates, copies, memory = [], [], []
        for _ in range(repeats):
            whole, seconds, peak = _mix(place, "whole")
            *_, half_peak = _mix(place, "half")
            rates.append(whole["rows"] / seconds)
            copies.append(whole["rows"] / _copy(place / "mixture-whole", whole))
            memory.append((peak, half_peak))
        settings = {"samples": whole["rows"], "prompts": len(rows), "languages": len(LANGUAGES), "recipe": "sdrrl"}
        settings |= {"prompts_from": "alpaca" if os.environ.get("POLYDISTILL_DATA") else "made up"}
        packages = ("polars", "pyarrow", "numpy", "icu4py")
        return [
            value("mixing, samples/s", rates, goal=100_000, unit="samples/s", packages=packages, **settings),
            ratio(
                "mixing beside an Arrow copy of its result", rates, copies, against="read and write the same shards",
                goal=0.1, unit="samples/s", packages=packages, **settings,
            ),
            ratio(
                "mixing, peak memory of twice the pool", [a for a, _ in memory], [b for _, b in memory],
                against="half of the pool", goal=1.2, unit="MiB", at_most=True, packages=packages, **settings,
            ),
        ]  # fmt: skip


def _mix(place: Path, name: str) -> tuple[dict[str, Any], float, float]:
    """The manifest, the seconds, and the peak of private memory of all processes in MiB."""
    out = place / f"mixture-{name}"
    shutil.rmtree(out, ignore_errors=True)
    peak, over = [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(peak, over))
    watch.start()
    start = time.perf_counter()
    manifest = mix(
        str(place / name),
        load_recipe("sdrrl"),
        Place.of(out),
        dictionaries=Dictionaries(path=str(place / "dictionaries")),
        parallel=Parallel(path=str(place / "parallel"), rows=None),
    )
    seconds = time.perf_counter() - start
    over.set()
    watch.join()
    return manifest, seconds, peak[0]


def _watch(peak: list[float], over: threading.Event) -> None:
    """Keep the highest sum of anonymous memory of this process and its children (mapped files are the page cache's)."""
    while not over.wait(0.1):
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        peak[0] = max(peak[0], sum(map(_anonymous, processes)) / 2**20)


def _anonymous(process: psutil.Process) -> int:
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Anonymous:")), 0)


def _copy(folder: Path, manifest: dict[str, Any]) -> float:
    """Seconds to read and write all shards of a mixture."""
    place = Place.of(folder)
    start = time.perf_counter()
    for shard in manifest["shards"]:
        write_table(place, "copy.arrow", read_table(place, shard["path"]))
    return time.perf_counter() - start


def _alpaca(count: int) -> list[dict[str, str]]:
    data = os.environ.get("POLYDISTILL_DATA")
    if data:
        with gzip.open(Path(data) / "alpaca/alpaca_28k.jsonl.gz", "rt", encoding="utf-8") as file:
            return [json.loads(line) for line, _ in zip(file, range(count))]
    draw = np.random.default_rng(0)
    words = np.array(["".join(draw.choice(list("etaoinshrdlu"), draw.integers(2, 9))) for _ in range(20_000)])

    def text(length: int) -> str:
        return " ".join(words[np.minimum(draw.zipf(1.2, length) - 1, len(words) - 1)])

    lengths = draw.lognormal((2.2, 2.0, 3.2), (0.5, 1.0, 1.0), (count, 3)).astype(int) + 1
    names = ("instruction", "input", "output")
    return [
        {name: text(int(n)) if name != "input" or i % 5 < 2 else "" for name, n in zip(names, row)}
        for i, row in enumerate(lengths)
    ]


def _word(word: str, language: str) -> str:
    """A stand-in for the translation of a word."""
    turned = word[::-1].lower() + language[:1]
    table = {"Cyrl": _CYRILLIC, "Hang": _HANGUL, "Jpan": _KANA}.get(language[-4:])
    return turned.translate(table) if table else turned


def _translate(text: str, language: str) -> str:
    return ("" if language == "jpn_Jpan" else " ").join(_word(word, language) for word in text.split())


def _dictionaries(place: Path, rows: list[dict[str, str]]) -> None:
    counts = Counter(word for row in rows for word in f"{row['instruction']} {row['input']}".lower().split())
    words = [word for word, _ in counts.most_common(20_000) if word.isalpha()]
    for folder in ("dictionaries", "parallel"):
        (place / folder).mkdir()
    for language in LANGUAGES:
        lines = [f"{word} {_word(word, language)}\n" for word in words]
        (place / f"dictionaries/eng_Latn-{language}.txt").write_text("".join(lines), encoding="utf-8")
        outputs = [" ".join(row["output"].split())[:200] for row in rows[:1000]]
        pairs = [f"{text}\t{_translate(text, language)}\n" for text in outputs if text]
        (place / f"parallel/eng_Latn-{language}.tsv").write_text("".join(pairs), encoding="utf-8")


def _pool(folder: Path, rows: list[dict[str, str]]) -> None:
    place = Place.of(folder)
    ids = [f"{(i + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" for i in range(len(rows))]
    names = dict(zip(FIELDS, ("instruction", "input", "output", "output")))
    for language in LANGUAGES:
        for unit, start in enumerate(range(0, len(rows), UNIT)):
            part = rows[start : start + UNIT]
            columns: dict[str, Any] = {"id": ids[start : start + UNIT], "source": ["eng_Latn"] * len(part)}
            for field, name in names.items():
                columns[field] = [row[name] for row in part]
                columns[f"mt_{field}"] = [_translate(row[name], language) or None for row in part]
            columns |= {"target": [language] * len(part)}
            whole = {
                field.name: pa.array(columns[field.name], field.type)
                if field.name in columns
                else pa.nulls(len(part), field.type)
                for field in POOL
            }
            shard = write_table(place, f"{FOLDER}/{language}/{shard_name(unit)}", pa.table(whole, schema=POOL))
            place.write_json(f"{UNITS}/{language}/{unit:06}.json", {"shard": to_json([shard])[0]})


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
