"""`polydistill fetch`: nothing is fetched unasked."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polydistill import downloads, fetching
from polydistill.cli.main import app
from polydistill.fetching import Item


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what is fetched; in place of the hub."""
    found: list[str] = []
    monkeypatch.setattr(fetching, "describe", lambda item: Item(item.key, item.name, item.kind, 10**9, "mit"))
    monkeypatch.setattr(fetching, "download", lambda item: found.append(item.name) or "a folder")
    return found


def fetch(folder: Path, model: str, *options: str, answer: str = "") -> Result:
    file = folder / "run.yaml"
    file.write_text(f"output: out\ntargets: [de]\nprompts: {{path: rows.json}}\ntranslate: {{model: {model}}}\n")
    return CliRunner().invoke(app, ["fetch", str(file), *options], input=answer)


def test_it_asks_first_with_sizes_and_licenses(tmp_path: Path, fetched: list[str]) -> None:
    refused = fetch(tmp_path, "org/nllb", answer="n\n")
    assert refused.exit_code == 1 and fetched == []
    assert "license: mit" in refused.output and "Fetch 1 of these, 1.00 GB" in refused.output
    assert fetch(tmp_path, "org/nllb", answer="y\n").exit_code == 0 and fetched == ["org/nllb"]
    assert "org/nllb: a folder" in fetch(tmp_path, "org/nllb", "--yes").output


def test_a_run_of_local_files_needs_nothing(tmp_path: Path, fetched: list[str]) -> None:
    (tmp_path / "nllb").mkdir()
    result = fetch(tmp_path, "./nllb", "--yes")
    assert result.output == "everything is here\n" and fetched == []


def test_folders_of_known_names_are_filled(tmp_path: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The download itself: tests/polydistill/test_downloads.py."""
    found = downloads.Found({"http://host/en-de.txt": 2_500_000}, ("de-en.txt",))
    monkeypatch.setattr(downloads, "ask", lambda files: found)
    monkeypatch.setattr(downloads, "download", lambda files, found: fetched.append(files.source.title) or "data/muse")
    (tmp_path / "nllb").mkdir()
    result = fetch(tmp_path, "./nllb", "--yes", "--set", "dictionaries.path=data/muse")
    assert "MUSE dictionaries, 2 files" in result.output and "2.50 MB  license: CC BY-NC 4.0" in result.output
    assert "not published there: de-en.txt" in result.output
    assert fetched == ["MUSE dictionaries"] and "MUSE dictionaries: data/muse" in result.output
