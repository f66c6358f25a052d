import polars as pl
import pytest

from polydistill.engine.mixing.counts import Counts, Made
from polydistill.engine.mixing.recipe import Subset
from polydistill.engine.mixing.tasks.parallel import cuts, task_subset

PAIRS = [(f"This is sentence {i}.", f"Das ist Satz {i}.") for i in range(50)]


@pytest.mark.parametrize(
    ("text", "language", "ends"),
    [
        ("Die Sonne ist warm.", "deu_Latn", {"Die", "Die Sonne", "Die Sonne ist"}),
        ("太陽は", "jpn_Jpan", {"太", "太陽"}),
        ("น้ำใส", "tha_Thai", {"น้ำ", "น้ำใ"}),  # a character and its marks are never torn apart
        ("Ja.", "deu_Latn", {""}),
    ],
)
def test_split_points(text: str, language: str, ends: set) -> None:
    ids = pl.Series([f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(60)])
    drawn = cuts([text] * 60, ids, language, seed=0)
    assert {text[:end] for end in drawn} == ends
    assert cuts([text] * 20, ids[40:], language, seed=0) == drawn[40:]  # whatever stands beside it
    assert len(ends) == 1 or cuts([text] * 60, ids, language, seed=1) != drawn


def test_directions_and_templates() -> None:
    ids = [f"{i:016x}" for i in range(50)]
    frame = pl.DataFrame({"id": ids, "source": [a for a, _ in PAIRS], "target": [b for _, b in PAIRS]})
    counts = Counts()
    forward = Subset(task="translate", directions="forward", templates="pool")
    (table,) = task_subset(frame, "mt", forward, "eng_Latn", "deu_Latn", 0, counts)
    assert set(table["input"].to_pylist()) == {a for a, _ in PAIRS}
    assert len(set(table["instruction"].to_pylist())) > 10
    assert counts.rows[Made("mt", "deu_Latn")] == 50
    both = Subset(task="complete", language="both")
    tables = task_subset(frame, "comp", both, "eng_Latn", "deu_Latn", 0, Counts())
    assert [t["answer_language"][0].as_py() for t in tables] == ["eng_Latn", "deu_Latn"]
