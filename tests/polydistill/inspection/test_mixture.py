import json

from polydistill.engine.config import load
from polydistill.engine.mixing.mix import mix
from polydistill.engine.mixing.recipe import Recipe
from polydistill.engine.storage.shards import Folder
from polydistill.inspection.describe import describe
from polydistill.inspection.run import RunDescription
from tests.engine.pool_fixture import row, write_run


def test_a_mixture(tmp_path):
    run = write_run(tmp_path / "run", {"deu_Latn": [row(i, "deu_Latn") for i in range(10)]})
    recipe = load(Recipe, "configs/recipes/t_sft.yaml")
    made = mix(run, recipe, f"{run}/mixtures/t_sft", seed=3)
    found = describe(f"{run}/mixtures/t_sft")
    assert found.kind == "mixture" and found.record == made.record and found.record.seed == 3
    assert RunDescription.of(Folder.of(run)).mixtures == ("t_sft",)
    lines = found.text().splitlines()
    assert f"{made.record.rows:,} samples of recipe {recipe.name}, seed 3" in lines[1]
    assert {line.split()[0] for line in lines[3:]} >= {subset.name for subset in made.record.subsets}
    values = found.values()
    assert json.loads(json.dumps(values)) == values and values["shards"] == len(made.record.shards)
    assert values["bytes"] == sum(file.stat().st_size for file in (tmp_path / "run/mixtures/t_sft").glob("*.arrow"))
