import pytest

from polydistill.checks.locate import locate
from polydistill.engine.errors import UserError


def test_a_folder_is_found(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert locate(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("./nowhere", "no such folder"),
        ("/nowhere/at/all", "no such folder"),
        ("nowhere", "no such folder. Give the path of a folder, or a hub id"),
        ("some/model", "HF_HUB_OFFLINE=1 forbids fetching it"),
    ],
)
def test_what_is_not_here_says_what_to_do(name, expected):
    with pytest.raises(UserError, match=expected):
        locate(name)


def test_a_folder_without_the_file(tmp_path):
    with pytest.raises(UserError, match="the folder has no hparams"):
        locate(str(tmp_path), "hparams.yaml")
