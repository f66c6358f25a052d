"""What a run still has to do: prompts once, then the units that nobody has committed."""

import json
import shutil
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest

from polydistill.engine.config import Synthesis, validate
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.answers import AnswerFigures, Answers, unanswered
from polydistill.engine.prompts.artifact import open_prompts
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.schema import POOL
from polydistill.engine.storage import run_fingerprint
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.remaining import remaining
from tests.engine.pool_fixture import row


def config(tmp_path: Path, **changes: object) -> Synthesis:
    path = tmp_path / "a.jsonl"
    rows = [{"instruction": f"Row {i}", "output": "x"} for i in range(5)]
    path.write_text("".join(json.dumps(one) + "\n" for one in [*rows, rows[0]]))
    given = {"path": str(path)}
    values = {
        "output": str(tmp_path / "out"),
        "targets": ["de", "ja"],
        "prompts": {"path": str(path), "translations": {"de": given, "ja": given, "fr": given}},
        "work": {"unit_rows": 2},
    }
    return validate(Synthesis, values | changes, "test")


def test_at_first_everything_then_what_is_not_committed(tmp_path: Path) -> None:
    first = remaining(config(tmp_path))
    assert first.prompts == 5 and sum(first.rows.values()) == 5 and max(first.rows.values()) <= 2
    assert first.pending == {unit: ["deu_Latn", "jpn_Jpan"] for unit in range(3)}
    folder = Folder.of(tmp_path / "out")
    for unit, target in ((0, "deu_Latn"), (0, "jpn_Jpan"), (2, "jpn_Jpan")):
        commit(folder, unit, target, pa.Table.from_pylist([row(unit, target)], schema=POOL))
    again = remaining(config(tmp_path))
    assert again.pending == {1: ["deu_Latn", "jpn_Jpan"], 2: ["deu_Latn"]}
    assert (again.rows, again.decisive) == (first.rows, first.decisive)


def test_another_language_is_added_to_what_is_there(tmp_path: Path) -> None:
    remaining(config(tmp_path, targets=["de"]))
    folder = Folder.of(tmp_path / "out")
    for unit in range(3):
        commit(folder, unit, "deu_Latn", pa.Table.from_pylist([row(unit, "deu_Latn")], schema=POOL))
    assert remaining(config(tmp_path, targets=["de"])).pending == {}
    assert remaining(config(tmp_path, targets=["de", "fr"])).pending == {unit: ["fra_Latn"] for unit in range(3)}


def test_another_configuration_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    values = remaining(config(tmp_path)).decisive
    run_fingerprint.bind(Folder.of(tmp_path / "out"), values)
    assert remaining(config(tmp_path)).decisive == values
    with pytest.raises(UserError, match=r"judge\.rules\.repetition: was .*, now 0\.1"):
        remaining(config(tmp_path, judge={"rules": {"repetition": 0.1}}))


def test_other_prompts_are_not_written_next_to_a_pool(tmp_path: Path) -> None:
    """The folder of prompts is gone, and the source has changed since the pool was begun."""
    made = config(tmp_path)
    run_fingerprint.bind(Folder.of(tmp_path / "out"), remaining(made).decisive)
    prompts, source = tmp_path / "out/prompts", tmp_path / "a.jsonl"
    before = {path.name: path.read_bytes() for path in prompts.rglob("*.arrow")}
    text = source.read_text()
    shutil.rmtree(prompts)
    source.write_text(text.replace("Row 0", "Row 9"))
    with pytest.raises(UserError, match=r"made under another configuration:\n  prompts: was"):
        remaining(made)
    assert not prompts.exists()
    source.write_text(text)
    remaining(made)  # made anew from the same source
    assert {path.name: path.read_bytes() for path in prompts.rglob("*.arrow")} == before


@pytest.mark.parametrize("name", ["000001.arrow", "deu_Latn/000001.arrow"])
def test_damaged_prompts_heal_as_the_message_says(name: str, tmp_path: Path) -> None:
    made = config(tmp_path)
    run_fingerprint.bind(Folder.of(tmp_path / "out"), remaining(made).decisive)
    shard = tmp_path / "out/prompts" / name
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-20] + bytes(20))
    with pytest.raises(DamagedError, match="Run `polydistill synth` again"):
        open_prompts(Folder.of(made.output)).given(1, ["deu_Latn"]), open_prompts(Folder.of(made.output)).table(1)
    remaining(made)
    assert shard.read_bytes() == whole


def test_lost_answers_are_made_again_with_their_translations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A unit in the pool whose answers are gone, record and rows, was once taken as done for ever."""
    made = config(tmp_path, student={"model": "nobody/reads-this"})
    folder, answers = Folder.of(tmp_path / "out"), Answers(Folder.of(tmp_path / "out/generated"))
    prompts = prepare(made.prompts, "eng_Latn", folder, 2)
    for unit in range(3):
        answers.commit(unit, unanswered(prompts.table(unit)), AnswerFigures())
        for target in made.targets:
            commit(folder, unit, target, pa.Table.from_pylist([row(unit, target)], schema=POOL))
    with patch("polydistill.engine.storage.run_fingerprint.model_identity", return_value="same"):
        assert remaining(made).pending == {}
        (tmp_path / "out/generated/000001.json").unlink()
        assert remaining(made).pending == {1: made.targets}
        assert "000001.json is missing" in capsys.readouterr().err
        (tmp_path / "out/generated/000001.arrow").unlink()
        assert remaining(made).pending == {1: made.targets}
