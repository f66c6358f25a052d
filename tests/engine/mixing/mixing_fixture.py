"""Mixtures of a small pool, and the rows that they should hold."""

from pathlib import Path

import polars as pl
import pyarrow as pa

from polydistill.engine.mixing.job import Sections
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.mixture import Mixture, MixtureRecord
from polydistill.engine.mixing.recipe import load_recipe
from polydistill.engine.schema import MIXTURE
from polydistill.engine.storage.shards import Folder, read_shard

SEED = 1  # the coins of rows 0..4 show: truth, self, truth, truth, self; German's parts: same, cross, same, same, same
EN, DE, JA = "eng_Latn", "deu_Latn", "jpn_Jpan"
TARGETS = (DE, JA)
QUESTION = {"deu_Latn": "de:Question {}?", "jpn_Jpan": "jp:Question {}?", "eng_Latn": "Question {}?"}


def answer(text: str, number: int, language: str) -> str:
    return ("" if language == "eng_Latn" else f"{language[:2]}:") + f"{text} {number}."


def rows_of(mixture: Mixture) -> pl.DataFrame:
    tables = [read_shard(mixture.folder, shard) for shard in mixture.record.shards]
    for table in tables:
        assert table.schema.equals(MIXTURE)
    return pl.DataFrame(pl.from_arrow(pa.concat_tables(tables)))


def mixed(run: str | list[str], recipe: str, out: Path, sections: dict | None = None, *sets: str, **more) -> Mixture:
    given = Sections(**(sections or {}))
    return mix(run, load_recipe(recipe, list(sets)), Folder.of(out), sections=given, **{"seed": SEED} | more)


def made(run: str, recipe: str, out: Path, sections: dict, *sets: str, **more) -> tuple[pl.DataFrame, MixtureRecord]:
    mixture = mixed(run, recipe, out, sections, *sets, **more)
    return rows_of(mixture), mixture.record


def samples(frame: pl.DataFrame, subset: str, target: str) -> list[tuple[str, str, str]]:
    part = frame.filter((pl.col("subset") == subset) & (pl.col("target") == target))
    return part.select("instruction", "response", "answer").rows()


def expected(question: str, answers: str, kept: str) -> list[tuple[str, str, str]]:
    coins = {"0": "truth", "1": "self", "2": "truth", "3": "truth", "4": "self"}
    return [(QUESTION[question].format(n), answer(coins[n].capitalize(), int(n), answers), coins[n]) for n in kept]


def asked(rows: list[tuple[str, str, str]], request: str) -> list[tuple[str, str, str]]:
    return [(f"{question} {request}", response, which) for question, response, which in rows]
