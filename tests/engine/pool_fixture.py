"""A run's folder with a small pool in it, written the way the pipeline writes it."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from polydistill.engine.prompts.artifact import MANIFEST, PromptsRecord
from polydistill.engine.schema import FIELDS, POOL, PROMPT
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.record import write_record
from polydistill.engine.storage.run_folder import PROMPTS, shard_name
from polydistill.engine.storage.shards import Folder, write_table


def row(number: int, target: str, **columns: Any) -> dict[str, Any]:
    """A usable pool row; `columns` change what differs. Ids are spread over all bits, as content hashes are."""
    values: dict[str, Any] = {
        **{
            "id": f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}",
            "source": "eng_Latn",
            "origin": f"fixture:{number}",
        },
        **{"instruction": f"Question {number}?", "input": "", "truth": f"Truth {number}.", "self": f"Self {number}."},
        **{"self_tokens": 4, "self_error": None, "target": target},
    }
    values |= {name: columns[name] for name in FIELDS if name in columns}
    for name in FIELDS:
        text = values[name]
        values[f"mt_{name}"] = f"{target[:2]}:{text}" if text else None
        values[f"notes_{name}"] = [] if text else None
        values[f"scores_{name}"] = None
        values[f"reason_{name}"] = None
    if columns.get("system"):
        values["mt_system"] = f"{target[:2]}:{columns['system']}"
    if (history := columns.get("history")) is not None:
        texts = [turn["content"] for turn in history]
        values["mt_history"] = [f"{target[:2]}:{text}" if text else text for text in texts]
    return {**values, "reason": None, **columns}


def write_run(folder: Path, pools: dict[str, list[dict[str, Any]]], unit_rows: int = 1000) -> str:
    """Write the rows of each target language as committed units; returns the run's folder."""
    place = Folder.of(folder)
    for target, rows in pools.items():
        for unit, start in enumerate(range(0, len(rows), unit_rows)):
            table = pa.Table.from_pylist(rows[start : start + unit_rows], schema=POOL)
            commit(place, unit, target, table)
    longest = max(pools.values(), key=len)
    parts = [longest[start : start + unit_rows] for start in range(0, len(longest), unit_rows)]
    rows = [[{name: one.get(name) for name in PROMPT.names} for one in part] for part in parts]
    prompts = [pa.Table.from_pylist(part, PROMPT) for part in rows]
    units = [write_table(place / PROMPTS, shard_name(unit), table) for unit, table in enumerate(prompts)]
    record = PromptsRecord("", [], unit_rows, None, units, len(longest), len(longest), {}, {}, {}, {}, {})
    write_record(place / PROMPTS, MANIFEST, record)
    return str(folder)
