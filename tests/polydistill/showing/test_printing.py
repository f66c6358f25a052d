"""Rows on a terminal: everything is there, and nothing of it drives the terminal."""

from pathlib import Path

import pytest

from polydistill.cli.main import main
from polydistill.engine.screen import visible
from polydistill.engine.storage.sampling import Drawn, Part
from polydistill.showing.printing import as_text
from tests.engine.pool_fixture import row, write_run

ATTACKS = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "a\x08b", "\u202eabc", "\u2066x", "\x00", "\u2028", "\x7f")


@pytest.mark.parametrize("attack", ATTACKS)
def test_control_characters_are_escaped(attack: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row(0, "deu_Latn", instruction=f"Say {attack}!", origin=attack, reason_truth=f"error: {attack}")]
    run = write_run(tmp_path / "run", {"deu_Latn": rows})
    with pytest.raises(SystemExit) as ended:
        main(["show", run])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert attack not in printed
    assert f"Say {visible(attack)}!" in printed
    assert all(character.isprintable() or character == "\n" for character in printed)


def test_other_scripts_stay_as_they_are() -> None:
    for text in ("می\u200cخواهم", "क\u094d\u200dष", "👩\u200d👩", "a\tb\nc", "日本"):
        assert visible(text) == text


def test_all_columns_are_there() -> None:
    values = row(
        3,
        "deu_Latn",
        system="Be\nbrief.",
        history=[{"role": "tool", "content": None, "payload": '{"id": 7}'}],
        reason="truth:low_quality",
        reason_truth="low_quality",
        scores_truth={"quality": 0.25, "flags": ["digits"]},
        notes_truth=["number_lost"],
        others_truth=[{"text": "Zweite.", "notes": ["truncated"]}],
    )
    text = as_text(Drawn(Part("p", 1, lambda columns: None), 0, values))  # type: ignore[arg-type, return-value]
    for part in (
        "origin: fixture:3",
        "reason: truth:low_quality",
        "system:\n  source       Be\n               brief.\n  translation  de:Be",
        'history 1 (tool):\n  source       (no text)\n  payload      {"id": 7}',
        "truth:\n  source       Truth 3.\n  translation  de:Truth 3.\n  notes        number_lost\n",
        "  scores       quality 0.25\n  flags        digits\n  reason       low_quality",
        'others_truth:\n  1 text Zweite., notes ["truncated"]',
        "empty: self_error, input",
    ):
        assert part in text, text
