"""The artifact Mixture: opened as written, told apart from others, damage found."""

import dataclasses
import json
from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.mixing.mixture import MANIFEST, Mixture, origin_fingerprint, present, state
from polydistill.engine.schema import MIXTURE
from polydistill.engine.storage.artifact import State
from polydistill.engine.storage.shards import Folder
from tests.engine.mixture_fixture import write_mixture


def samples(subset: str, count: int, weight: float = 1.0) -> pa.Table:
    row = {"subset": subset, "target": "deu_Latn", "weight": weight, "response": "An answer."}
    return pa.Table.from_pylist([row | {"id": f"{i:016x}"} for i in range(count)], schema=MIXTURE)


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    return Mixture.open(write_mixture(tmp_path / "mixture", samples("LL", 3), samples("TT", 2, 2.0)))


def test_it_is_opened_as_it_was_written(mixture: Mixture) -> None:
    assert mixture.record.weights == {"LL": 1.0, "TT": 2.0} and mixture.record.subset("TT").rows == 2
    assert Mixture.open(mixture) is mixture and Mixture.open(mixture.folder).record == mixture.record
    assert mixture.verify() == []
    with pytest.raises(KeyError):
        mixture.record.subset("LT")


def test_state_of_a_folder(mixture: Mixture, tmp_path: Path) -> None:
    origin = mixture.record.origin
    assert state(Folder.of(tmp_path / "nothing"), origin) == State.ABSENT
    assert state(mixture.folder, origin) == State.COMPLETE
    assert state(mixture.folder, dataclasses.replace(origin, seed=1)) == State.FOREIGN
    Path(mixture.folder.join(MANIFEST)).unlink()
    assert state(mixture.folder, origin) == State.PARTIAL
    assert present(mixture.folder, origin, mixture.record.recipe) is None


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seed": 7}, "seed: was 0, now 7"),
        ({"targets": ("deu_Latn",)}, r"targets: was \(\), now \('deu_Latn',\)"),
        ({"pools": ("abc",)}, "pools: other content"),
        ({"dictionaries": {"a -> b": "abc"}}, "dictionaries: other content"),
        ({"parallel": {"a-b": "abc"}}, "parallel: other content"),
        ({"parallel_rows": 5}, "parallel_rows: was None, now 5"),
        ({"judge": "abc"}, "judge: other content"),
        ({"leakage": "abc"}, "leakage: other content"),
        ({"native": "abc"}, "native: other content"),
    ],
)
def test_another_mixture_in_the_folder_is_refused_with_what_differs(changes: dict, line: str, mixture: Mixture) -> None:
    record = mixture.record
    wanted = dataclasses.replace(record.origin, **changes)
    assert origin_fingerprint(wanted) != origin_fingerprint(record.origin)
    with pytest.raises(UserError, match=rf"holds another mixture:\n  {line}\nDelete it"):
        present(mixture.folder, wanted, record.recipe)
    assert present(mixture.folder, record.origin, record.recipe) == mixture


def test_another_recipe_is_told_key_by_key(mixture: Mixture) -> None:
    recipe = mixture.record.recipe.model_copy(update={"objective": "token_mean"})
    wanted = dataclasses.replace(mixture.record.origin, recipe="other")
    with pytest.raises(UserError, match=r"  recipe\.objective: was 'subset_mean', now 'token_mean'\nDelete"):
        present(mixture.folder, wanted, recipe)


def test_damaged_and_missing_shards_are_named(mixture: Mixture) -> None:
    first, second = (Path(mixture.folder.join(shard.path)) for shard in mixture.record.shards)
    content = bytearray(first.read_bytes())
    content[content.index(b"An answer.")] ^= 1
    first.write_bytes(content)
    second.unlink()
    problems = mixture.verify()
    assert len(problems) == 2 and first.name in problems[0] and second.name in problems[1]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("{", DamagedError, "manifest.json"),
        ("[]", DamagedError, "expected a JSON object"),
        ('{"rows": 1}', UserError, "one of an older version"),
        ('{"format": 99}', DamagedError, "written in format 99"),
        ('{"format": 2, "seed": "x"}', DamagedError, "damaged record"),
    ],
)
def test_a_damaged_record_is_named(content: str, error: type, message: str, mixture: Mixture) -> None:
    Path(mixture.folder.join(MANIFEST)).write_text(content)
    with pytest.raises(error, match=message):
        Mixture.open(mixture.folder)


def test_a_shard_that_lies_elsewhere_is_refused(mixture: Mixture) -> None:
    path = Path(mixture.folder.join(MANIFEST))
    record = json.loads(path.read_text())
    record["shards"][0]["path"] = "../other/000000.arrow"
    del record["checksum"]  # as somebody else would write it
    path.write_text(json.dumps(record))
    with pytest.raises(UserError, match="cannot be a file's name"):
        Mixture.open(mixture.folder).verify()


def test_no_mixture_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\(manifest.json is missing\)\. Make one with `polydistill mix"):
        Mixture.open(str(tmp_path))
