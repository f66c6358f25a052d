"""Finding and reading benchmark files."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from tests.eval.tasks.reading import BELEBELE, jsonl, load


def test_a_missing_file_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"belebele in deu_Latn .*deu_Latn\.jsonl"):
        load(tmp_path, task="belebele")


def test_a_benchmark_may_be_a_dataset_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own cache layout, filled by hand: nothing is fetched."""
    from huggingface_hub import constants

    from polydistill.eval.data.files import local

    commit = "0" * 40
    cached = tmp_path / "datasets--someone--belebele"
    jsonl(cached / "snapshots" / commit / "data" / "deu_Latn.jsonl", BELEBELE)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(load(local("someone/belebele"), task="belebele")["belebele"]) == 1
    with pytest.raises(UserError, match=r"someone/missing: no such folder, and the hub gives no such dataset"):
        local("someone/missing")
