"""Which artifact a path holds, and how far a run has come."""

from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.config import Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation.answers import AnswerFigures, Answers, answered
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.schema import MIXTURE, PROMPT
from polydistill.engine.storage.run_folder import GENERATED
from polydistill.engine.storage.shards import Folder
from polydistill.showing.artifacts import open_artifact
from tests.engine.mixture_fixture import write_mixture
from tests.engine.pool_fixture import row, write_run


@pytest.fixture
def run(tmp_path: Path) -> str:
    """Three rows in two languages, answered, two a unit."""
    pools = {target: [row(i, target) for i in range(3)] for target in ("deu_Latn", "jpn_Jpan")}
    location = write_run(tmp_path / "run", pools, unit_rows=2)
    prompts = pa.Table.from_pylist([{name: row(0, "deu_Latn").get(name) for name in PROMPT.names}], PROMPT)
    table, _ = answered(prompts, [[Candidate("Yes.", "stop", 2)]], Student(model="m"), 1)
    Answers(Folder.of(location) / GENERATED).commit(0, table, AnswerFigures())
    return location


@pytest.mark.parametrize(
    ("place", "kind", "rows"),
    [
        ("", "pool", [2, 1, 2, 1]),
        ("/", "pool", [2, 1, 2, 1]),
        ("/pool", "pool", [2, 1, 2, 1]),
        ("/pool/jpn_Jpan", "pool", [2, 1]),
        ("/prompts", "prompts", [2, 1]),
        ("/generated", "answers", [1]),
    ],
)
def test_a_run_and_its_parts(run: str, place: str, kind: str, rows: list[int]) -> None:
    found = open_artifact(run + place)
    assert (found.kind, [part.rows for part in found.parts]) == (kind, rows)
    assert [part.read(["id"]).num_rows for part in found.parts] == rows


def test_a_run_shows_how_far_it_has_come(run: str) -> None:
    for part, kind in (("units", "answers"), ("generated", "prompts")):
        Path(run, part).rename(Path(run).parent / part)
        assert open_artifact(run).kind == kind
    Path(run, "prompts").rename(Path(run).parent / "prompts")
    with pytest.raises(UserError, match="no rows here"):
        open_artifact(run)


def test_a_mixture_says_its_subsets(tmp_path: Path) -> None:
    rows = [{"id": "0", "subset": "TT", "target": "deu_Latn", "instruction": "a", "response": "b", "weight": 1.0}]
    found = open_artifact(write_mixture(tmp_path, pa.Table.from_pylist(rows, MIXTURE)))
    assert (found.kind, found.columns, found.reasons) == ("mixture", {"language": "target", "subset": "subset"}, ())


def test_the_dropped_prompts_are_other_rows(run: str) -> None:
    assert open_artifact(f"{run}/prompts").parts and not open_artifact(f"{run}/prompts", dropped=True).parts
