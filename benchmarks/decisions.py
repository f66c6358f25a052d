"""The judge drops at most a quarter of its rows without need, and a tenth of the kept ones are bad: read by eye.

The rows are Alpaca in German by DeepL and by OpenAI (alpaca_de), without the stretch of DeepL's file whose German is
that of another row. The default rules and language ID judge them, without quality estimation. `decisions.json` holds
a reader's verdicts on 400 rows, of which the judge kept half when they were drawn. It says of each row what is wrong
with its German: "" for nothing, "task" where the translation is right and the task does not survive it.

    polydistill bench decisions
    python -m benchmarks.decisions --draw 200     # that many kept and as many dropped rows to read, as JSON lines
"""

import argparse
import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.common import value
from polydistill.engine.config import Judge
from polydistill.engine.errors import UserError
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.schema import TRANSLATED
from polydistill.eval.scoring.bootstrap import wilson

SYSTEMS, SHIFTED = ("deepl", "openai"), range(540, 4420)
FIELDS = {"instruction": "instruction", "input": "input", "truth": "output"}  # ours -> the file's
SEED = 20261128
READ = Path(__file__).parent / "decisions.json"


def run() -> list[dict[str, Any]]:
    """Measure; see the module's text."""
    judged = judge_all()
    found = [_kept(judged, system) for system in SYSTEMS]
    reasons = dict(zip(judged["id"].to_pylist(), judged["reason"].to_pylist()))
    read: dict[str, str] = json.loads(READ.read_text(encoding="utf-8"))
    kept = [wrong for row, wrong in read.items() if reasons[row] is None]
    dropped = [wrong for row, wrong in read.items() if reasons[row] is not None]
    found.append(_share("kept rows that are bad", [wrong not in ("", "task") for wrong in kept], 0.1))
    found.append(_share("kept rows whose task does not survive", [wrong == "task" for wrong in kept], 0.2))
    found.append(_share("dropped rows that are usable", [wrong == "" for wrong in dropped], 0.25))
    return found


def judge_all() -> pa.Table:
    """All rows, judged. The id names system and line."""
    return JudgeStage(Judge())(pa.Table.from_pylist(_rows(), schema=TRANSLATED))


def draw(judged: pa.Table, count: int) -> list[dict[str, Any]]:
    """`count` kept rows and `count` dropped ones, always the same."""
    columns = ["id", *FIELDS, *(f"mt_{field}" for field in FIELDS), "reason"]
    rows = judged.select(columns).to_pylist()
    parts = ([row for row in rows if (row["reason"] is None) == kept] for kept in (True, False))
    return [row for part in parts for row in random.Random(SEED).sample(part, count)]


def _rows() -> list[dict[str, Any]]:
    data = os.environ.get("POLYDISTILL_DATA")
    if not data:
        raise UserError("POLYDISTILL_DATA is not set. Expected the folder that holds alpaca_de/")
    return [_row(system, number, line) for system in SYSTEMS for number, line in _lines(Path(data), system)]


def _lines(data: Path, system: str) -> list[tuple[int, str]]:
    path = data / "alpaca_de" / f"alpaca_12k_en_de_{system}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [own for own in enumerate(file) if system != "deepl" or own[0] not in SHIFTED]


def _row(system: str, number: int, line: str) -> dict[str, Any]:
    pair = json.loads(line)
    row = dict.fromkeys(TRANSLATED.names) | {"id": f"{system}:{number}", "source": "eng_Latn", "target": "deu_Latn"}
    row["origin"] = ""
    for field, key in FIELDS.items():
        text = row[field] = pair["en"][key]
        row |= {f"mt_{field}": pair["de"][key] if text else None, f"notes_{field}": [] if text else None}
    return row


def _kept(judged: pa.Table, system: str) -> dict[str, Any]:
    own = judged.filter(pc.starts_with(judged["id"], f"{system}:"))
    share = own["reason"].null_count / own.num_rows
    return value(f"kept share, {system}", [share], goal=0.85, unit="share of rows", rows=own.num_rows,
                 kept=own["reason"].null_count)  # fmt: skip


def _share(claim: str, hits: list[bool], goal: float) -> dict[str, Any]:
    low, high = (bound / 100 for bound in wilson(sum(hits) / len(hits), len(hits), 0.95))
    row = value(claim, [sum(hits) / len(hits)], goal=goal, unit="share of read rows", at_most=True, read=len(hits),
                found=sum(hits))  # fmt: skip
    return row | {"spread": [low / goal, high / goal]}  # Wilson's interval, 95%


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decisions")
    parser.add_argument("--draw", type=int, metavar="N", help="print N kept and N dropped rows instead")
    count = parser.parse_args().draw
    if count is None:
        print(json.dumps(run(), indent=1))
        return
    for row in draw(judge_all(), count):
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
