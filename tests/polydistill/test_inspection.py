import json

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save_file

from polydistill.engine.config import PromptSource, load
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.prompts.prepare import prepare
from polydistill.engine.schema import FIELDS, POOL
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.storage.pool import commit
from polydistill.engine.storage.shards import Folder, read_table
from polydistill.inspection import as_text, describe


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
    found = describe(run.root)
    assert found["kind"] == "run" and found["fingerprints"] == ["f" * 16]
    assert found["prompts"]["rows_read"] == 11 and found["prompts"]["dropped"] == {"missing_field": 1}
    german = found["languages"]["deu_Latn"]
    assert (german["rows"], german["kept"], german["reasons"]) == (10, 8, {"truth:off_target": 2})
    assert (german["units"], german["of_units"]) == (3, 3)
    assert found["languages"]["ind_Latn"]["kept"] == 10
    out = as_text(describe(run.root))
    assert "11 read, 10 usable in 3 units; dropped: missing_field 1" in out
    assert "deu_Latn    3/3    10     8   80.0%  truth:off_target 2" in out


def test_a_mixture(run):
    recipe = load(Recipe, "configs/recipes/t_sft.yaml")
    made = mix(run, recipe, run / "mixtures" / "t_sft", seed=3)
    found = describe(f"{run.root}/mixtures/t_sft")
    assert found["kind"] == "mixture" and found["rows"] == made.record.rows and found["seed"] == 3
    assert sum(sum(subset["targets"].values()) for subset in found["subsets"]) == found["rows"]
    assert describe(run.root)["mixtures"] == ["t_sft"]
    lines = as_text(found).splitlines()
    assert {line.split()[0] for line in lines[3:]} >= {subset["name"] for subset in found["subsets"]}
    assert json.loads(json.dumps(found)) == found


def test_a_checkpoint(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(
        json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 9})
    )
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16)}, model / "model.safetensors")
    found = describe(model)
    assert (found["parameters"], found["dtypes"], found["vocabulary"]) == (17, ["F16", "F32"], 9)
    assert "training" not in found  # with training.json: tests/trainer/run/test_damage.py
    assert "LlamaForCausalLM, 0.00M parameters (F16, F32), vocabulary 9" in as_text(found)


def test_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="neither a run"):
        describe(tmp_path)
