"""What a file's name says, and the sentences that failures of reading become."""

import csv
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.files.source import COMPRESSED, FORMATS, File, bare_name, reading


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("pack", ["", *COMPRESSED])
def test_the_format_is_seen_through_compression_and_case(ending: str, pack: str) -> None:
    for name in (f"data/a{ending}{pack}", f"A{ending.upper()}{pack.upper()}"):
        assert File.of(name).format == FORMATS[ending]


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.gz", "jsonl", "a.json/b", ".jsonl.d/x.bin"])
def test_other_endings_say_nothing(name: str) -> None:
    assert File.of(name).format == ""


def test_names_stay_as_they_were_given_and_paths_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = File.of("~/a.json")
    assert file.name == "~/a.json" and file.path == str(tmp_path / "a.json")
    assert File.of(file) is file and File.of(tmp_path / "a.json").path == file.path
    assert bare_name("x/Y/Set.JSON.gz") == "set.json"


@pytest.mark.parametrize(
    "error",
    [
        OSError("input/output"),
        EOFError(),
        zlib.error("bad data"),
        csv.Error("line"),
        pa.ArrowInvalid("no magic"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
        RecursionError(),
        MemoryError(),
    ],
)
def test_every_failure_of_a_decoder_names_the_file(error: Exception) -> None:
    message = r"a\.csv: cannot be read as csv \(.+\)\. Check that the file is whole"
    with pytest.raises(UserError, match=message), reading(File.of("a.csv"), "csv"):
        raise error


def test_what_is_already_a_sentence_stays_and_a_long_one_is_shortened() -> None:
    file = File.of("a.csv")
    for error, message in ((UserError("mine"), "^mine$"), (FileNotFoundError("x"), r"^a\.csv: no such file$")):
        with pytest.raises(UserError, match=message), reading(file):
            raise error
    with pytest.raises(UserError) as caught, reading(file):
        raise OSError("word\n" * 10_000)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, AssertionError, AttributeError])
def test_an_interrupt_and_a_mistake_of_ours_pass(error: type[BaseException]) -> None:
    with pytest.raises(error), reading(File.of("a.csv")):
        raise error
