"""A template is tried out where it can do no harm."""

import sys

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.probe import probe


def test_what_only_fails_is_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[probe.__module__], "LENGTH", 0)
    probe("{{ raise_exception('no') }}", {}, "m")  # it writes nothing
    with pytest.raises(UserError, match="writes 9 characters"):
        probe("{{ bos_token }}{{ messages[0].content }}", {"bos_token": "<s>"}, "m")


@pytest.mark.parametrize("source", ["{{ ().__class__.__base__ }}", "{{ probe.__init__.__globals__.os }}"])
def test_the_sandbox_is_watched(source: str) -> None:
    with pytest.raises(UserError, match=r"^m: the chat template tries to leave its sandbox"):
        probe(source, {}, "m")
