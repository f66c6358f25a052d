"""Tasks on parallel text: translate a sentence, complete a sentence (SDRRL, section 3.3; x-LLM, section 3.1)."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from icu4py.breakers import CharacterBreaker

from polydistill.engine.languages import get_language
from polydistill.engine.mixing import instructions
from polydistill.engine.mixing.counts import Counts, Done, Dropped, Made
from polydistill.engine.mixing.mixture import ParallelRecord
from polydistill.engine.mixing.recipe import Subset
from polydistill.engine.mixing.subsets import Languages, mixture
from polydistill.engine.mixing.worker import SHARD_ROWS, Mixer
from polydistill.engine.pairs.draw import draw
from polydistill.engine.seeds import uniform

_BORDER = re.compile(r"(?<=\S)\s")


@dataclass(frozen=True)
class ParallelTask:
    """Make the task subsets of one language pair."""

    source: str
    target: str

    def run(self, mixer: Mixer) -> Done:
        """Draw the pairs and write the samples."""
        job, done = mixer.job, Done()
        assert job.parallel is not None
        rows = job.parallel.rows
        count = rows.get(self.target, 0) if isinstance(rows, dict) else rows
        if count == 0:
            return done
        near = job.evaluation.leaks if job.evaluation else None
        drawn = draw(job.parallel, self.source, self.target, count, job.seed, near)
        done.parallel.append(ParallelRecord(self.source, self.target, len(drawn.frame), drawn.corpora))
        for number, part in enumerate(drawn.frame.iter_slices(SHARD_ROWS // 4)):
            tables = (
                table
                for name, subset in job.recipe.subsets.items()
                if subset.task in ("translate", "complete")
                for table in task_subset(part, name, subset, self.source, self.target, job.seed, done.counts)
            )
            mixer.write(done, f"parallel-{self.source}-{self.target}-{number:02}.arrow", tables)
        return done


def task_subset(
    frame: pl.DataFrame, name: str, subset: Subset, source: str, target: str, seed: int, counts: Counts
) -> list[pa.Table]:
    """The MIXTURE rows that one task subset makes of drawn pairs (columns id, source, target)."""
    if subset.task == "translate":
        return list(_translate(frame, name, subset, source, target, seed, counts))
    sides = {"source": [source], "target": [target], "both": [source, target]}[subset.language]
    return [_complete(frame, name, subset, source, target, side, seed, counts) for side in sides]


def _translate(
    frame: pl.DataFrame, name: str, subset: Subset, source: str, target: str, seed: int, counts: Counts
) -> Iterator[pa.Table]:
    sides = {"source": source, "target": target}
    for first, second in (("source", "target"), ("target", "source")):
        if subset.directions == ("backward" if first == "source" else "forward"):
            continue
        names = {"source": get_language(sides[first]).name, "target": get_language(sides[second]).name}
        texts = [text.format(**names) for text in instructions.templates(subset.templates, "translate")]
        columns = _columns(frame["id"], texts, frame[first], frame[second], seed, f"template:{name}:{first}")
        counts.rows[Made(name, target)] += len(frame)
        languages = Languages(source, target, sides[first], sides[second])
        yield mixture(columns, name, languages, subset.weight)


def _complete(
    frame: pl.DataFrame, name: str, subset: Subset, source: str, target: str, side: str, seed: int, counts: Counts
) -> pa.Table:
    ends = cuts(frame["source" if side == source else "target"].to_list(), frame["id"], side, seed)
    part = frame.filter(pl.Series([end > 0 for end in ends], dtype=pl.Boolean))
    text = part["source" if side == source else "target"]
    prefix = pl.Series([t[:end] for t, end in zip(text, filter(None, ends))], dtype=pl.String)
    texts = [t.format(language=get_language(side).name) for t in instructions.templates(subset.templates, "complete")]
    columns = _columns(part["id"], texts, prefix, text, seed, f"template:{name}")
    if len(part) < len(frame):
        counts.dropped[Dropped(name, target, "text:one_word")] += len(frame) - len(part)
    counts.rows[Made(name, target)] += len(part)
    return mixture(columns, name, Languages(source, target, side, side), subset.weight)


def _columns(
    ids: pl.Series, instructions_: list[str], input: pl.Series, response: pl.Series, seed: int, purpose: str
) -> dict[str, pa.Array]:
    which = (uniform(seed, ids.to_list(), purpose) * len(instructions_)).astype(np.int64)
    none = pa.array(np.zeros(len(ids), np.int32))
    texts = {"id": ids, "input": input, "response": response}
    return {
        **{key: value.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string()) for key, value in texts.items()},
        "instruction": pa.array(instructions_).take(pa.array(which)),
        "answer": pa.repeat("parallel", len(ids)),
        "switched": none,
        "switchable": none,
    }


def cuts(texts: list[str], ids: pl.Series, flores: str, seed: int) -> list[int]:
    """Where to cut each text in two, at a random border: characters of the beginning; 0 where it has no border.

    Borders lie between words, or between characters (as ICU sees them) in languages without spaces; neither the empty
    text nor the whole is drawn.
    """
    draws = uniform(seed, ids.to_list(), "cut")
    unspaced, locale = not get_language(flores).writing.space_between_words, get_language(flores).locale
    ends = []
    for text, share in zip(texts, draws.tolist()):
        if unspaced:
            borders = list(itertools.accumulate(len(part) for part in CharacterBreaker(text, locale)))[:-1]
        else:
            borders = [match.start() for match in _BORDER.finditer(text.rstrip())]
        ends.append(borders[int(share * len(borders))] if borders else 0)
    return ends
