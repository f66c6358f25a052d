import errno
import gzip
import json
import zlib

import pytest

from polydistill.cli.errors import cause, sentence, unexpected
from polydistill.engine.errors import DamagedError, UserError


class Wrapped(Exception):
    """As Ray wraps what a worker raises."""

    def __init__(self, behind):
        super().__init__("a page of text")
        self.cause = behind


def system(number, name="out/x"):
    return OSError(number, "the system's words", name)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("say this"), "say this"),
        (DamagedError("say that"), "say that"),
        (Wrapped(Wrapped(UserError("deep inside"))), "deep inside"),
        (system(errno.ENOSPC), "out/x: the system's words. The disk is full."),
        (system(errno.EROFS), "read-only. Choose another folder"),
        (system(errno.EACCES), "no permission"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "nowhere"),
            "nowhere: No such file or directory.",
        ),
        (gzip.BadGzipFile("Not a gzipped file"), "a compressed file is damaged"),
        (zlib.error("incorrect header"), "a compressed file is damaged"),
        (EOFError("ended early"), "a compressed file is damaged"),
        (MemoryError(), "out of memory"),
        (ValueError("first line\nsecond line"), "first line"),
    ],
)
def test_what_a_user_can_put_right_is_a_sentence(error, expected):
    assert expected in sentence(error)
    assert "\n" not in sentence(error)


def test_decoders_that_fail():
    with pytest.raises(UnicodeDecodeError) as text:
        b"\xff".decode()
    with pytest.raises(json.JSONDecodeError) as broken:
        json.loads("{")
    assert "not valid UTF-8" in sentence(text.value)
    assert "not valid JSON" in sentence(broken.value)


def test_a_defect_says_where_and_how_to_see_more():
    with pytest.raises(KeyError) as raised:
        {}["ranks"]
    assert sentence(raised.value) is None
    said = unexpected(raised.value)
    assert "unexpected KeyError: 'ranks'" in said and "test_errors.py:" in said and "--debug" in said


def test_an_error_that_wraps_itself_ends():
    error = Wrapped(None)
    error.cause = error
    assert cause(error) is error


def test_damaged_weights_are_no_defect_of_ours(tmp_path):
    from safetensors import SafetensorError, safe_open

    (tmp_path / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(SafetensorError) as error, safe_open(tmp_path / "model.safetensors", "np"):
        pass
    assert str(sentence(error.value)).startswith("a model's weights are cut or damaged (")
