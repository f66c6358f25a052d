"""What each kind of end of a subcommand leaves on the screen and in the exit code."""

import json
from pathlib import Path

import pytest

from polydistill.cli.main import COMMANDS, _for_people, app, main
from polydistill.engine.errors import UserError


class Wrapped(Exception):
    def __init__(self, cause):
        super().__init__("a page of text")
        self.cause = cause


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("write this instead"), 2, "polydistill: write this instead\n"),
        (Wrapped(UserError("deep inside")), 2, "polydistill: deep inside\n"),
        (KeyboardInterrupt(), 130, "polydistill: stopped. What is done stays"),
        (Wrapped(KeyboardInterrupt()), 130, "polydistill: stopped. What is done stays"),
        (KeyError("ranks"), 1, "polydistill: unexpected KeyError: 'ranks'"),
    ],
)
def test_an_error_is_one_line_and_a_code(error, code, said, capsys, monkeypatch):
    monkeypatch.setattr("polydistill.cli.main._debug", False)  # another test's --debug stays with the process

    def fails() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        _for_people(fails)()
    assert ended.value.code == code
    printed = capsys.readouterr().err
    assert printed.startswith(said) and printed.count("\n") == 1


@pytest.mark.parametrize("attack", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "a\rb", "\u202eabc"])
def test_no_name_from_data_drives_the_terminal(attack, tmp_path, capsys, monkeypatch):
    """Columns of a file, a mixture's name, a folder."""
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text(json.dumps([{f"in{attack}struction": "x", "y": "z"}]))
    Path("run.yaml").write_text("output: o\ntargets: [de]\nprompts: {path: a.json}\ntranslate: {model: m}\n")
    for command in (["check", "run.yaml"], ["inspect", f"x{attack}"], ["verify", f"x{attack}"], ["mix", f"x{attack}"]):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 2, command
        said = capsys.readouterr()
        assert all(letter.isprintable() or letter == "\n" for letter in said.out + said.err), command
        assert "polydistill: " in said.err


def test_every_subcommand_is_there_and_says_what_it_does():
    import typer

    known = typer.main.get_command(app).commands
    assert known.keys() == COMMANDS.keys()
    assert all(command.help for command in known.values())
