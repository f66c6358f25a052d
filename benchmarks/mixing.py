"""Mixing: SDRRL's recipe over 28,203 prompts x 14 languages gives at least 100,000 samples a second on 2 cores.

Measured against that goal, against a plain Arrow copy of the same samples (read every shard, write it again, in one
process), and for memory against a tenth of the pool. The pool is made here: Alpaca's prompts where POLYDISTILL_DATA
names the data, else text of the same lengths; translations are stand-ins (each word turned into another one, in
Japanese without spaces), since mixing does not look at what words mean. Dictionaries hold the 20,000 most frequent
words.

Beside the rate by the clock stands the rate by the processor time that all processes took: on a machine that is busy
with other work it says what mixing would reach on two cores without it.
"""

import gzip
import json
import os
import shutil
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from benchmarks.common import ratio, value
from polydistill.engine.config import Dictionaries, Parallel
from polydistill.engine.mixing.job import Sections
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.prompts.artifact import PromptsRecord, write_prompts
from polydistill.engine.schema import FIELDS, POOL
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.run_folder import PROMPTS, shard_name
from polydistill.engine.storage.shards import Folder, Shard, read_table, write_table

LANGUAGES = [
    *("ces_Latn", "dan_Latn", "ukr_Cyrl", "bul_Cyrl", "fin_Latn", "hun_Latn", "nob_Latn"),
    *("ind_Latn", "jpn_Jpan", "kor_Hang", "por_Latn", "slv_Latn", "vie_Latn", "pol_Latn"),
]
"""The targets of SDRRL's LLaMA-2 experiments."""

UNIT = 512
_CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абсдефгхижклмнопярстувшхуз")
_HANGUL = str.maketrans("abcdefghijklmnopqrstuvwxyz", "가나다라마바사아자차카타파하거너더러머버서어저처커터")
_KANA = str.maketrans("abcdefghijklmnopqrstuvwxyz", "あいうえおかきくけこさしすせそたちつてとなにぬねのは")


def run(prompts: int = 28_203, repeats: int = 2) -> list[dict[str, Any]]:
    """Measure; see the module's text."""
    with tempfile.TemporaryDirectory(prefix="polydistill-mixing-") as folder:
        place = Path(folder)
        rows = _alpaca(prompts)
        _dictionaries(place, rows)
        _pool(place / "whole", rows)
        _pool(place / "tenth", rows[: len(rows) // 10])
        _mix(place, "tenth")  # compiles the kernels
        whole = [_mix(place, "whole") for _ in range(repeats)]
        tenth = [_mix(place, "tenth") for _ in range(repeats)]
        samples = whole[0].samples
        copies = [samples / _copy(place / "mixture-whole") for _ in range(repeats)]
        settings: dict[str, Any] = {
            "samples": samples,
            "prompts": len(rows),
            "languages": len(LANGUAGES),
            "recipe": "sdrrl",
        }
        settings |= {"prompts_from": "alpaca" if os.environ.get("POLYDISTILL_DATA") else "made up"}
        packages = ("polars", "pyarrow", "numpy", "numba", "icu4py")
        rates = [one.samples / one.seconds for one in whole]
        return [
            value("mixing, samples/s", rates, goal=100_000, unit="samples/s", packages=packages, **settings),
            value(
                "mixing, samples per 2 seconds of processor time", [2 * one.samples / one.processor for one in whole],
                goal=100_000, unit="samples", packages=packages, **settings,
            ),
            ratio(
                "mixing versus an Arrow copy of its result", rates, copies, against="read and write the same shards",
                goal=0.1, unit="samples/s", packages=packages, **settings,
            ),
            ratio(
                "mixing, peak memory of a process", [one.largest for one in whole], [one.largest for one in tenth],
                against="a tenth of the pool", goal=1.2, unit="MiB", at_most=True, packages=packages,
                all_processes_mib=round(max(one.together for one in whole)), **settings,
            ),
        ]  # fmt: skip


@dataclass
class Measured:
    """One mixing: what it made, and what it took. Memory is that which the processes hold for themselves, in MiB."""

    samples: int
    seconds: float
    processor: float  # seconds, of all processes
    largest: float  # peak of the largest process
    together: float  # peak of all processes together


def _mix(place: Path, name: str) -> Measured:
    out = place / f"mixture-{name}"
    shutil.rmtree(out, ignore_errors=True)
    peaks, over = [0.0, 0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(peaks, over))
    watch.start()
    start, before = time.perf_counter(), sum(os.times()[:4])
    mixture = mix(
        str(place / name),
        load_recipe("sdrrl"),
        Folder.of(out),
        sections=Sections(
            dictionaries=Dictionaries(path=str(place / "dictionaries")),
            parallel=Parallel(path=str(place / "parallel"), rows=None),
        ),
    )
    seconds, processor = time.perf_counter() - start, sum(os.times()[:4]) - before
    over.set()
    watch.join()
    return Measured(mixture.record.rows, seconds, processor, *peaks)


def _watch(peaks: list[float], over: threading.Event) -> None:
    """Keep the highest memory of the largest of this process and its children, and of all of them together."""
    while not over.wait(0.1):
        held = [_anonymous(process.pid) for process in [psutil.Process(), *psutil.Process().children(recursive=True)]]
        peaks[:] = max(peaks[0], *held), max(peaks[1], sum(held))


def _anonymous(pid: int) -> float:
    """MiB that are the process's own: mapped files are the page cache's."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("RssAnon:")), 0.0)


def _copy(folder: Path) -> float:
    """Seconds to read and write all shards of a mixture."""
    mixture = Mixture.open(str(folder))
    start = time.perf_counter()
    for shard in mixture.record.shards:
        write_table(mixture.folder, "copy.arrow", read_table(mixture.folder, shard.path))
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
    place = Folder.of(folder)
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
            commit(place, unit, language, pa.table(whole, schema=POOL))
    starts = range(0, len(rows), UNIT)
    units = [Shard(shard_name(unit), min(UNIT, len(rows) - start), 0, "") for unit, start in enumerate(starts)]
    record = PromptsRecord("", [], UNIT, None, units, len(rows), len(rows), {}, {}, {}, {}, {})
    write_prompts(place / PROMPTS, record)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
