"""Names that may become files, and those that would lead out of a folder."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydistill.engine.errors import UserError
from polydistill.engine.storage.names import file_name, inside

PIECES = st.lists(st.sampled_from(["a", "Z9", "é", "日本", ".", "..", "/", "\\", " ", "-", "_", "\0", "\n", "~", ":"]))


@pytest.mark.parametrize("text", ["sdrrl", "t_sft-2", "000001.arrow", "мой рецепт", "v1.0 final", "-"])
def test_plain_names_stay_as_they_are(text: str) -> None:
    assert file_name(text, "recipe") == text


@pytest.mark.parametrize("text", ["", ".", "..", ".hidden", " a", "a/b", "a\\b", "a\n", "C:", "~", "a\0b"])
def test_what_is_no_name_is_refused_with_what_it_was_for(text: str) -> None:
    with pytest.raises(UserError, match=r"recipe: .* cannot be a file's name"):
        file_name(text, "recipe")


def test_the_longest_name_counts_bytes() -> None:
    assert file_name("é" * 100, "recipe") == "é" * 100
    with pytest.raises(UserError, match="at most 200 bytes"):
        file_name("é" * 101, "recipe")


@given(PIECES.map("".join))
def test_a_path_that_passes_stays_in_its_folder(path: str) -> None:
    try:
        inside(path, "shard")
    except UserError:
        return
    assert posixpath.normpath(posixpath.join("/run/pool", path)) == f"/run/pool/{path}"


def test_paths_of_shards_pass() -> None:
    assert inside("deu_Latn/000003.arrow", "shard") == "deu_Latn/000003.arrow"
    for path in ("/etc/passwd", "a//b", "a/../b", "a/", ""):
        with pytest.raises(UserError, match="shard"):
            inside(path, "shard")
