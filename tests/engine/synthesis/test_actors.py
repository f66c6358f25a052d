"""Rows of a unit that a stage could not do: every row is there, none counts as kept, each says why."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine import schema
from polydistill.engine.config import Price, Synthesis, Translate
from polydistill.engine.judging.turns import append, fold
from polydistill.engine.storage.figures import TokenFigures, figures_of
from polydistill.engine.storage.pool import open_pool
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.actors import (
    ASSIGNMENT,
    JudgeActor,
    Stages,
    TranslateActor,
    _target_major,
    _unjudged,
    _unrescued,
    _untranslated,
    assignments,
)
from polydistill.engine.synthesis.remaining import remaining
from polydistill.engine.translation.stage import TranslateStage
from polydistill.engine.translation.translator import SENTENCES, Hypothesis, TokenCount

TURNS = [{"role": "user", "content": "Hi", "payload": None}, {"role": "tool", "content": "4", "payload": None}]
TARGETS = ["deu_Latn", "jpn_Jpan"]


def generated() -> pa.Table:
    """Two questions and a conversation, whose other turns are rows of their own."""
    rows = [
        {"id": f"{i:016x}", "source": "eng_Latn", "origin": f"a:{i}", "instruction": f"Q{i}", "input": "", "truth": "A"}
        for i in range(3)
    ]
    rows[2] |= {"system": "Be kind.", "history": TURNS}
    return append(pa.Table.from_pylist(rows, schema=schema.GENERATED))


def test_assignments_name_units_and_the_languages_they_lack() -> None:
    table = assignments({4: TARGETS, 7: ["deu_Latn"]})
    assert table.schema.equals(ASSIGNMENT)
    assert table.to_pylist() == [{"unit": 4, "targets": TARGETS}, {"unit": 7, "targets": ["deu_Latn"]}]


def test_what_was_not_translated_has_an_error_where_there_was_a_text() -> None:
    rows = generated()
    made = _untranslated(rows, "out of memory", TARGETS)
    assert made.schema.names == schema.TRANSLATED.names and made.num_rows == 2 * rows.num_rows
    assert made["target"].to_pylist() == [target for target in TARGETS for _ in range(rows.num_rows)]
    assert made["mt_instruction"].null_count == made.num_rows
    assert made["notes_instruction"].to_pylist()[0] == ["error: out of memory"]
    assert made["notes_input"].to_pylist()[0] is None  # nothing was to be translated


@pytest.mark.parametrize(("failed", "names"), [(_unjudged, schema.JUDGED.names), (_unrescued, schema.RESCUED.names)])
def test_what_was_not_judged_is_kept_by_no_one(failed: object, names: list[str]) -> None:
    rows = generated()
    translated = _untranslated(rows, "x", TARGETS[:1])
    judged = failed(translated, "the judge died")  # type: ignore[operator]
    assert judged.schema.names == names and judged.num_rows == rows.num_rows
    folded = fold(judged)
    assert folded["id"].to_pylist() == [f"{i:016x}" for i in range(3)]
    figures = figures_of(folded)
    assert (figures.rows, figures.kept, figures.failed) == (3, 0, 3)
    assert figures.reasons == {"instruction:error": 3}
    if figures.rescue is not None:
        assert (figures.rescue.kept_without_rescue, figures.rescue.kept_without_fallback) == (0, 0)
    assert (figures.rescue is not None) == (failed is _unrescued)


def test_halves_come_back_target_by_target() -> None:
    rows = pa.table({"row": [0, 0, 1, 1], "target": ["deu_Latn", "jpn_Jpan"] * 2})
    whole = _target_major(rows, ["jpn_Jpan", "deu_Latn"])
    assert whole["row"].to_pylist() == [0, 1, 0, 1]
    assert whole["target"].to_pylist() == ["jpn_Jpan"] * 2 + ["deu_Latn"] * 2


class Counts:
    """In place of the monitor's handle: every call is answered with 1."""

    def __getattr__(self, name: str) -> "Counts":
        return self

    def __call__(self, *_: object, **__: object) -> int:
        return 1


class Words:
    """A translator whose model reads each word as a token and writes one."""

    portions = SENTENCES

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        return [Hypothesis(text, tokens=TokenCount(len(text.split()), 1)) for text in sentences]


def test_what_translation_took_is_in_the_record_of_each_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray.get", lambda answer: answer)
    rows = [{"instruction": "Name a city in Spain.", "input": "", "output": f"City {name}."} for name in "ab"]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    translate = Translate(model="m", price=Price(prompt=1e6, answer=0.5e6))
    config = Synthesis(
        output=str(tmp_path / "run"),
        targets=TARGETS,
        prompts={"path": str(tmp_path / "rows.json")},
        translate=translate,
    )
    todo, root = remaining(config), Folder.of(tmp_path / "run")
    monkeypatch.setattr(Stages, "translate", lambda *_: TranslateStage(translate, translator=Words()))
    shared: tuple[Any, ...] = (config.work, "cpu", root)
    actor = TranslateActor(Stages(), translate, *shared, False, Counts())
    translated = actor(assignments(todo.pending))
    figures = JudgeActor(Stages(), config.judge, translate, *shared, "digest", Counts())(translated)
    assert figures["target"].to_pylist() == TARGETS and figures["rows"].to_pylist() == [2, 2]
    # "Name a city in Spain." once, "City a." and "City b.": nine words, three sentences.
    pool = open_pool(root)
    assert {t: record.figures.translation for t in TARGETS for record in pool.records[t].values()} == dict.fromkeys(
        TARGETS, TokenFigures(9, 3, 9 + 1.5)
    )
    assert all(table.schema.equals(schema.POOL) for target in TARGETS for table in pool.tables(target))
