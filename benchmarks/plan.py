"""`polydistill plan` predicts the time of a run's stream within 15%, from the rates of a smaller run.

The reference is the same runs through Ray. A sample run in each of two worlds gives the rates, then runs
with other numbers of prompts, languages, actors and other units are predicted and run:
    waiting   stand-ins that wait a fixed time for each row, as a driver waits for a GPU (no processor time)
    tiny      tinyworld's translator and judge on this machine's cores, without self-generation
The ratio is the larger of predicted / measured and measured / predicted. Time runs from the first unit's translation to
the last unit's commit; the start of Ray and of the models takes as long in a small run as in a large one, but varies.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import common
from polydistill.engine import schema
from polydistill.engine.config import Judge, Synthesis, Translate, validate
from polydistill.engine.synthesis.actors import Stages

SAMPLE = {"prompts": 300, "targets": 2, "unit_rows": 20, "translate": 1, "judge": 1}
"""The run that the rates are taken from. The others differ from it as their names say."""

RUNS: dict[str, dict[str, int]] = {
    "twice the prompts": {"prompts": 600},
    "three languages, two translators": {"prompts": 600, "targets": 3, "translate": 2},
    "one language, larger units": {"prompts": 800, "targets": 1, "unit_rows": 40},
    "four translators, two judges": {"prompts": 900, "targets": 3, "translate": 4, "judge": 2},
}
TINY = ("twice the prompts", "three languages, two translators")
_LANGUAGES = ("deu_Latn", "ind_Latn", "jpn_Jpan")


def run() -> list[dict[str, Any]]:
    """Do the runs of both worlds; a row for each."""
    from polydistill.engine.cluster import cluster
    from polydistill.tinyworld.build import build

    rows = []
    with tempfile.TemporaryDirectory() as folder, cluster():
        tiny = Path(build(os.environ.get("POLYDISTILL_TINYWORLD", ".cache/tinyworld")))
        for world, stages, names in (("waiting", Waiting(), tuple(RUNS)), ("tiny", None, TINY)):
            place = Path(folder) / world
            sample = _configure(place / "sample", SAMPLE, tiny)
            _do(sample, stages)
            for name in names:
                rows.append(_compare(world, name, place, sample.output, stages, tiny))
    return rows


def _compare(world: str, name: str, place: Path, sample: str, stages: Stages | None, tiny: Path) -> dict[str, Any]:
    from polydistill.engine.planning.measured import measured
    from polydistill.engine.planning.plan import plan
    from polydistill.engine.planning.workload import Cluster, workload

    settings = SAMPLE | RUNS[name]
    config = _configure(place / name.replace(" ", "-"), settings, tiny)
    cores = len(os.sched_getaffinity(0))
    costs = measured(sample)
    predicted = plan(config, Cluster(1, 0, cores, 8), costs, workload(config)).seconds - costs["translate"].start
    seconds = _do(config, stages)
    return common.ratio(
        f"predicted time of a run: {world}, {name}",
        [max(predicted, seconds)],
        [min(predicted, seconds)],
        against=f"the run itself: {seconds:.1f} s, predicted {predicted:.1f} s",
        goal=1.15,
        at_most=True,
        unit="s",
        packages=("ray", "ctranslate2"),
        **settings,
    )


def _configure(output: Path, settings: dict[str, int], tiny: Path) -> Synthesis:
    rows = json.loads((tiny / "instructions.json").read_text(encoding="utf-8"))[: settings["prompts"]]
    output.mkdir(parents=True)
    (output / "prompts.json").write_text(json.dumps(rows), encoding="utf-8")
    pools = {name: {"actors": settings[name], "cpus": 0.1} for name in ("translate", "judge")}
    return validate(
        Synthesis,
        {
            "output": str(output / "run"),
            "targets": list(_LANGUAGES[: settings["targets"]]),
            "prompts": {"path": str(output / "prompts.json")},
            "translate": {"model": str(tiny / "models" / "nllb"), "threads": 1},
            "judge": {"quality": {"model": str(tiny / "models" / "comet"), "threshold": 0.0}},
            "work": {"unit_rows": settings["unit_rows"], **pools},
        },
        "benchmark",
    )


def _do(config: Synthesis, stages: Stages | None) -> float:
    """Do the run; seconds from its first translation to its last commit."""
    from polydistill.engine.synthesis.pipeline import synthesize

    figures = synthesize(config, stages).stages
    return figures["judge"].figures.last - (figures["translate"].figures.first or 0.0)


class Waiting(Stages):
    """Stand-ins for models on a GPU: they wait, and hand out the source as its own translation.

    Args:
        translating, judging: seconds for a pool row.
    """

    def __init__(self, translating: float = 0.02, judging: float = 0.01) -> None:
        self._translating, self._judging = translating, judging

    def check(self, config: Synthesis) -> None:
        """There is no model to look for."""

    def translate(self, translate: Translate, device: str) -> "_Translator":
        """Waits for each row and language."""
        return _Translator(self._translating)

    def judge(self, judge: Judge, device: str) -> "_Judge":
        """Waits for each row."""
        return _Judge(self._judging)


class _Translator:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, table: pa.Table, targets: list[str]) -> pa.Table:
        time.sleep(self._seconds * table.num_rows * len(targets))
        parts = []
        for target in targets:
            part = table.append_column("target", pa.array([target] * table.num_rows))
            for field in schema.FIELDS:
                part = part.append_column(f"mt_{field}", table[field])
            for field in schema.FIELDS:
                part = part.append_column(f"notes_{field}", pa.nulls(table.num_rows, pa.list_(pa.string())))
            parts.append(part.cast(schema.TRANSLATED))
        return pa.concat_tables(parts)


class _Judge:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, table: pa.Table) -> pa.Table:
        time.sleep(self._seconds * table.num_rows)
        for field in schema.JUDGED:
            if field.name not in table.column_names:
                table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        return table.select(schema.JUDGED.names)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
