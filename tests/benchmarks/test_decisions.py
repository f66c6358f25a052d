"""The reading by eye: which rows there are, and what the verdicts say."""

import gzip
import json
from pathlib import Path

import pytest

from benchmarks import decisions
from polydistill.engine.errors import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "alpaca_de").mkdir()
    for system in decisions.SYSTEMS:
        line = json.dumps({language: _row(language) for language in ("en", "de")})
        with gzip.open(tmp_path / "alpaca_de" / f"alpaca_12k_en_de_{system}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(f"{line}\n" * 4422)
    monkeypatch.setenv("POLYDISTILL_DATA", str(tmp_path))
    return tmp_path


def _row(language: str) -> dict[str, str]:
    texts = {"en": ("Name a river.", "The Nile is a river."), "de": ("Nenne einen Fluss.", "Der Nil ist ein Fluss.")}
    return {"instruction": texts[language][0], "input": "", "output": texts[language][1]}


def test_shifted_rows_are_left_out_of_one_system(folder: Path) -> None:
    names = [row["id"] for row in decisions._rows()]
    assert len(names) == len(set(names)) == 4422 - 3880 + 4422
    assert "deepl:540" not in names and "deepl:4419" not in names and "openai:540" in names


def test_a_draw_is_always_the_same_and_halves_kept_and_dropped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = decisions._rows()[:40]
    for row in rows[::2]:
        row["mt_truth"] = "Der Nil ist ein Fluss. " * 9
    monkeypatch.setattr(decisions, "_rows", lambda: rows)
    judged = decisions.judge_all()
    drawn = decisions.draw(judged, 5)
    assert [row["reason"] is None for row in drawn] == [True] * 5 + [False] * 5
    assert decisions.draw(judged, 5) == drawn


def test_every_verdict_names_a_row_and_a_known_fault() -> None:
    read = json.loads(decisions.READ.read_text(encoding="utf-8"))
    assert len(read) == 400
    faults = {"", "task", "remark", "carried out", "untranslated", "mistranslated"}
    for name, fault in read.items():
        system, number = name.split(":")
        assert fault in faults and int(number) < 12_000
        assert system == "openai" or (system == "deepl" and int(number) not in decisions.SHIFTED)


def test_shares_come_with_wilsons_interval() -> None:
    row = decisions._share("x", [True] * 16 + [False] * 184, 0.1)
    assert row["ratio"] == pytest.approx(0.8) and row["met"]
    assert [round(bound * 0.1, 3) for bound in row["spread"]] == [0.05, 0.126]


def test_without_data_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYDISTILL_DATA", raising=False)
    with pytest.raises(UserError, match="POLYDISTILL_DATA is not set"):
        decisions._rows()
