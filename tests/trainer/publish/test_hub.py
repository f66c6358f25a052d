"""Uploads: the calls, and what the user reads when one fails."""

from typing import Any

import huggingface_hub
import pytest

from polydistill.engine.errors import UserError
from polydistill.trainer.publish.hub import push


def test_a_private_repository_gets_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []

    class Api:
        def create_repo(self, *names: str, **rest: Any) -> str:
            calls.append(("create", {"names": names, **rest}))
            return f"https://hub/{names[0]}"

        def upload_folder(self, **rest: Any) -> None:
            calls.append(("upload", rest))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert push("out/model", "me/mine") == "https://hub/me/mine"
    assert calls == [
        ("create", {"names": ("me/mine",), "private": True, "exist_ok": True}),
        ("upload", {"repo_id": "me/mine", "folder_path": "out/model"}),
    ]


def test_a_failed_upload_says_where_the_model_is() -> None:
    """Tests are offline, so the real client fails."""
    with pytest.raises(UserError, match=r"train\.hub=me/mine: the upload failed .* The model is in out/model"):
        push("out/model", "me/mine")
