from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.errors import DamagedError
from polydistill.engine.storage.record import parse_record, read_record, record_values, write_record
from polydistill.engine.storage.shards import Folder, Shard


@dataclass(frozen=True)
class Example:
    name: str
    counts: dict[str, int]
    shards: list[Shard] = field(default_factory=list)
    format: int = 2


GOOD = Example("a", {"x": 1}, [Shard("a.arrow", 3, 9, "ff")])


def test_what_is_written_is_read(tmp_path):
    folder = Folder.of(tmp_path)
    write_record(folder, "record.json", GOOD)
    assert read_record(folder, "record.json", Example) == GOOD


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "expected a JSON object, found list"),
        (None, "expected a JSON object, found NoneType"),
        ({}, "damaged, or written by an older version. This version of polydistill reads format 2"),
        ({"format": 2}, "field 'name': Field required"),
        ({"name": "a", "counts": {"x": "many"}, "format": 2}, r"field 'counts\.x'"),
        ({"name": "a", "counts": {}, "formats": 1, "format": 2}, "damaged record .field 'formats' is unknown"),
        ({"name": "a", "counts": {}, "x" * 9000: 1, "format": 2}, "damaged record .field 'x{60}' is unknown"),
        ({"name": "a", "counts": {}, "format": "2" * 9000}, r"written in format '2+\.\.\.2+'\."),
        ({"name": "a", "counts": {}, "format": 2, "checksum": "0"}, "its content is not what was written"),
        ({"name": "a", "counts": {}, "format": 3}, "written in format 3. This version of polydistill reads format 2"),
    ],
)
def test_damage_is_named_with_file_and_field(value, message):
    with pytest.raises(DamagedError, match=message) as error:
        parse_record(value, Example, "run/record.json")
    assert str(error.value).startswith("run/record.json: ")


@pytest.mark.parametrize("text", ["", "{", "\\xff"])
def test_a_file_that_is_no_json_is_damaged(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(DamagedError, match=r"record\.json"):
        read_record(Folder.of(tmp_path), "record.json", Example)


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_flipped_bit_gives_other_values(place, bit, tmp_path_factory):
    folder = Folder.of(tmp_path_factory.mktemp("flip"))
    write_record(folder, "record.json", GOOD)
    data = bytearray(folder.read("record.json"))
    data[place % len(data)] ^= 1 << bit
    folder.write("record.json", bytes(data))
    with pytest.raises(DamagedError, match=r"record\.json: (damaged|written in format)"):
        read_record(folder, "record.json", Example)


def test_a_record_of_an_earlier_version_has_no_checksum_and_is_read(tmp_path):
    folder = Folder.of(tmp_path)
    folder.write_json("record.json", record_values(GOOD))
    assert read_record(folder, "record.json", Example) == GOOD
