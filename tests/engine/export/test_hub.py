from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.export.hub import push


class Recorder:
    """Stands for the hub's client: keeps what it was asked to do."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._fails = fails

    def create_repo(self, name: str, **options: Any) -> str:
        if self._fails:
            raise self._fails
        self.calls.append((name, options))
        return f"hub/{name}"

    def upload_folder(self, **options: Any) -> None:
        self.calls.append(("upload", options))


def test_a_private_data_set_is_made(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# x")
    hub = Recorder()
    assert push(tmp_path, "me/x", api=hub) == "hub/me/x"
    assert hub.calls[0] == ("me/x", {"repo_type": "dataset", "private": True, "exist_ok": True})
    assert hub.calls[1][1] == {"repo_id": "me/x", "repo_type": "dataset", "folder_path": str(tmp_path)}


def test_mistakes_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected ORG/NAME"):
        push(tmp_path, "x", api=Recorder())
    with pytest.raises(UserError, match="no dataset card"):
        push(tmp_path, "me/x", api=Recorder())
    (tmp_path / "README.md").write_text("# x")
    with pytest.raises(UserError, match=r"no network.*HF_TOKEN"):
        push(tmp_path, "me/x", api=Recorder(OSError("no network")))
