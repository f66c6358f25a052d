import json
import shutil

import pyarrow as pa
import pytest

from polydistill.engine.config import PromptSource
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.schema import FIELDS, POOL
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder, read_table
from polydistill.inspection.run import RunDescription


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of ten prompts in two languages; in German one row in five is off target."""
    folder = tmp_path_factory.mktemp("run")
    rows = [{"instruction": f"Say {i}.", "input": "", "output": str(i)} for i in range(10)] + [{"instruction": ""}]
    (folder / "rows.json").write_text(json.dumps(rows))
    place = Folder.of(folder / "out")
    found = prepare([PromptSource(path=str(folder / "rows.json"))], "en", place, unit_rows=4)
    for unit, shard in enumerate(found.record.units):
        prompts = read_table(place / "prompts", shard.path).to_pylist()
        for target in ("deu_Latn", "ind_Latn"):
            table = pa.Table.from_pylist([pool_row(row, target, unit) for row in prompts], schema=POOL)
            commit(place, unit, target, table, [target], "f" * 16, figures_of(table))
    return place


def pool_row(prompt, target, unit):
    number = int(prompt["truth"])
    reason = "off_target" if target == "deu_Latn" and number % 5 == 0 else None
    row = {**prompt, "self": None, "target": target}
    row |= {f"mt_{field}": prompt[field] for field in ("instruction", "truth")}
    row |= {f"reason_{field}": None for field in FIELDS} | {"reason_truth": reason}
    return row | {"reason": reason and f"truth:{reason}"}


def test_a_run(run):
    found = RunDescription.of(run)
    assert found.fingerprints == ("f" * 16,) and found.mixtures == ()
    assert found.prompts.rows_read == 11 and found.prompts.dropped == {"missing_field": 1}
    german = found.languages["deu_Latn"]
    assert (german.units, german.figures.rows, german.figures.kept) == (3, 10, 8)
    assert german.figures.reasons == {"truth:off_target": 2}
    assert found.languages["ind_Latn"].figures.kept == 10
    out = found.text()
    assert "11 read, 10 usable in 3 units; dropped: missing_field 1" in out
    assert "deu_Latn    3/3    10     8   80.0%  truth:off_target 2" in out


def test_a_lost_record_is_named(run, tmp_path):
    shutil.copytree(run.root, tmp_path / "run")
    for unit in (1, 2):
        (tmp_path / f"run/units/deu_Latn/00000{unit}.json").unlink()
    found = RunDescription.of(Folder.of(tmp_path / "run"))
    assert "missing  units/deu_Latn/000001.json and 1 more. Run `polydistill synth` again" in found.text()
    assert found.values()["absent"] == {"records": 2, "first": "units/deu_Latn/000001.json"}
    assert "missing  " not in RunDescription.of(run).text()


def test_its_values_are_json(run):
    values = RunDescription.of(run).values()
    assert json.loads(json.dumps(values)) == values
    assert values["languages"]["deu_Latn"]["of_units"] == values["prompts"]["units"] == 3


def test_a_run_without_a_pool(tmp_path):
    (tmp_path / "rows.json").write_text(json.dumps([{"instruction": "Say 1.", "output": "1"}]))
    place = Folder.of(tmp_path / "out")
    prepare([PromptSource(path=str(tmp_path / "rows.json"))], "en", place, unit_rows=4)
    found = RunDescription.of(place)
    assert found.languages == {} and found.fingerprints == ()
    assert "none yet" in found.text() and "pool     empty" in found.text()


def test_what_was_not_taken_over_is_said(tmp_path):
    rows = [{"instruction": f"Say {i}.", "output": "x", "note": "n", "de": {"question": f"Sag {i}."}} for i in range(3)]
    (tmp_path / "rows.json").write_text(json.dumps([*rows, {"instruction": "Say 3.", "output": "3"}]))
    source = PromptSource(path=str(tmp_path / "rows.json"), translations={"de": {"key": "de"}})
    prepare([source], "en", Folder.of(tmp_path / "out"), unit_rows=4)
    out = RunDescription.of(Folder.of(tmp_path / "out")).text()
    assert "rows.json: not used: note (3 rows). prompts.columns gives a column its role" in out
    assert "translations into deu_Latn: not used: missing (1 rows)" in out
