"""A pool from translations that exist already: 1,500 rows as DeepL translated them, with the faults of that file."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.shards import read_shard
from tests.engine.judging.test_untranslated import READ, untranslated
from tests.polydistill.cli.command import polydistill

pytestmark = [pytest.mark.data, pytest.mark.slow]

PART = [*range(800), *range(4420, 5120)]
SHIFTED = range(540, 4420)  # here the German is that of the row 50 further down


@pytest.fixture(scope="module")
def lines(data: Path) -> list[dict[str, Any]]:
    with gzip.open(data / "alpaca_de/alpaca_12k_en_de_deepl.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Path, lines: list[dict[str, Any]]) -> Path:
    folder = tmp_path_factory.mktemp("given")
    (folder / "rows.jsonl").write_text("".join(json.dumps(lines[number]) + "\n" for number in PART))
    run = {
        "output": "run",
        "targets": ["de"],
        "prompts": {"path": "rows.jsonl", "key": "en", "translations": {"de": {"key": "de"}}},
        "dictionaries": {"path": str(data / "muse")},
        "parallel": {"path": str(data / "ntrex128"), "rows": 100},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(run))
    polydistill(folder, "synth", "run.yaml")
    return folder


@pytest.fixture(scope="module")
def pool(folder: Path) -> dict[int, dict[str, Any]]:
    """Pool rows by their number in the file of 12,000."""
    tables = open_pool(str(folder / "run")).tables("deu_Latn")
    return {PART[int(row["origin"].rpartition(":")[2]) - 1]: row for table in tables for row in table.to_pylist()}


def test_given_texts_are_taken_as_they_are(pool: dict[int, dict[str, Any]], lines: list[dict[str, Any]]) -> None:
    assert len(pool) > 1450
    for number, row in pool.items():
        assert row["mt_instruction"] == lines[number]["de"]["instruction"].strip()
        assert row["notes_instruction"] == ["given"] and "given" in row["scores_instruction"]["flags"]


def test_rules_find_the_known_faults(pool: dict[int, dict[str, Any]], lines: list[dict[str, Any]], data: Path) -> None:
    def equal(number: int) -> bool:
        en, de = lines[number]["en"], lines[number]["de"]
        same = bool(de["input"]) and de["input"].strip() == de["output"].strip()
        return same and en["input"].strip() != en["output"].strip()

    def english(number: int) -> bool:
        texts = (lines[number][key]["output"] for key in ("en", "de"))
        return number not in READ["deepl"] and untranslated(*texts, data)

    def dropped(numbers: list[int]) -> float:
        return float(np.mean([pool[number]["reason"] is not None for number in numbers]))

    shifted = [number for number in pool if number in SHIFTED]
    rest = [number for number in pool if number not in SHIFTED]
    faults = [number for number in rest if equal(number) or english(number)]
    assert len(faults) > 20 and dropped(faults) >= 0.9
    # A German text that belongs to another row is good German: rules see it by its length and missing parts only.
    assert len(shifted) > 250 and dropped(shifted) >= 0.5
    assert dropped([number for number in rest if number not in faults]) <= 0.08


def test_sdrrl_is_mixed_from_them(folder: Path, pool: dict[int, dict[str, Any]]) -> None:
    """Without a student there are no answers of its own, so the coin always shows y."""
    polydistill(folder, "mix", "run", "--recipe", "sdrrl", "--set", "answers={truth: 1, self: 0}")
    mixture = Mixture.open(str(folder / "run/mixtures/sdrrl"))
    rows = [row for shard in mixture.record.shards for row in read_shard(mixture.folder, shard).to_pylist()]
    assert {row["subset"] for row in rows} == {"LL", "TL", "LT", "TT", "mt", "comp"}
    kept = {row["id"]: row for row in pool.values() if row["reason"] is None}
    german = [row for row in rows if row["subset"] == "TT"]
    assert len(german) == len(kept) and {row["answer"] for row in german} == {"truth"}
    assert all(row["response"] == kept[row["id"]]["mt_truth"] for row in german)
    for subset in mixture.record.subsets:
        if subset.name in ("LL", "TL", "LT", "TT"):
            assert subset.rows + sum(subset.dropped.values()) == len(pool)
