"""When answers were there."""

from pathlib import Path

from polydistill.engine.storage.record import read_record
from polydistill.engine.storage.shards import Folder
from polydistill.eval.asking.pace import FILE, Clock, Pace, Part
from polydistill.eval.asking.units import Done


def test_answers_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    clock = Clock()
    clock.note(Done("base", "mkqa", "deu_Latn", 0, 20))
    clock.start -= 9
    clock.note(Done("base", "flores_into", "deu_Latn", 0, 5))
    clock.write(Folder.of(tmp_path), 2)
    found = read_record(Folder.of(tmp_path), FILE, Pace)
    assert found.engines == 2
    assert [(part.set, part.answers) for part in found.parts] == [("mkqa", 20), ("flores_into", 5)]
    assert found.parts[0].seconds < 1 and 9 <= found.parts[1].seconds < 10
    assert isinstance(found.parts[0], Part)
