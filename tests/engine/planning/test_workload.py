"""How much there is to do: counted in files, or as the caller says."""

import json
from pathlib import Path

import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import UserError
from polydistill.engine.planning.workload import workload


def config(folder: Path, **source: object) -> Synthesis:
    rows = [{"instruction": "a" * 10, "input": "b" * 5, "output": "c" * 30} for _ in range(5)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"output": "no question"}]))
    values = {"output": "out", "targets": ["de", "ja"], "translate": {"model": "nllb"}, "work": {"unit_rows": 4}}
    return validate(Synthesis, values | {"prompts": {"path": str(folder / "a.jsonl")} | source}, "test")


def test_rows_are_counted_and_usable_ones_measured(tmp_path: Path) -> None:
    found = workload(config(tmp_path))
    assert (found.prompts, found.units, found.pool_rows) == (6, 2, 12)
    assert (found.rows("generate"), found.rows("judge")) == (6, 12)
    assert (found.texts.question, found.texts.answer) == (15, 30)


def test_a_sample_is_what_will_be_done(tmp_path: Path) -> None:
    assert workload(config(tmp_path, sample=3)).prompts == 3
    assert workload(config(tmp_path, sample=99)).prompts == 6


def test_with_numbers_and_lengths_no_file_is_read(tmp_path: Path) -> None:
    settings = config(tmp_path)
    (tmp_path / "a.jsonl").unlink()
    found = workload(settings, prompts=1000, chars=(90, 270))
    assert (found.prompts, found.units, found.texts.question) == (1000, 250, 90)
    with pytest.raises(UserError, match=r"a\.jsonl"):
        workload(settings, prompts=1000)


def test_a_file_without_a_usable_row(tmp_path: Path) -> None:
    settings = config(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"instruction": "", "output": "x"}\n')
    with pytest.raises(UserError, match="no usable prompt"):
        workload(settings)
