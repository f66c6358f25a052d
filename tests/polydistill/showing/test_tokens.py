"""Tokens of a mixture's rows: those of the trainer, with its mask."""

from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.cli.main import main
from polydistill.engine.errors import UserError
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.schema import MIXTURE
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.shards import Folder
from polydistill.showing.tokens import mask, token_printer, training
from tests.engine.generation.tokenizers_fixture import make_tokenizer
from tests.engine.mixture_fixture import write_mixture

ROW = {
    **{"id": f"{1:016x}", "subset": "TT", "target": "deu_Latn", "question_language": "deu_Latn"},
    **{"answer_language": "deu_Latn", "instruction": "Wo?", "input": "", "response": "Hier.", "weight": 1.0},
    "history": [
        {"role": "user", "content": "Was?", "payload": None},
        {"role": "assistant", "content": "Das.", "payload": None},
    ],
}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a tokenizer."""
    folder = tmp_path_factory.mktemp("student")
    make_tokenizer("bytes", "begin").save_pretrained(folder)
    return str(folder)


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    """One row, in a run's folder."""
    return Mixture.open(write_mixture(tmp_path / "run/mixtures/one", pa.Table.from_pylist([ROW], MIXTURE)))


def test_gaps_are_not_learned() -> None:
    assert mask(6, prompt=1, gaps=[2, 4]) == [False, True, False, False, True, True]


def test_every_assistant_turn_is_learned(mixture: Mixture, student: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["show", mixture.folder.root, "--tokens", "--student", student, "--prompt", "raw"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    found = [line.split(": ", 1) for line in lines if " tokens: " in line]
    learned = ["".join(text.split("|")) for name, text in found if name.startswith("  learned")]
    others = ["".join(text.split("|")) for name, text in found if name.startswith("  not learned")]
    assert ["Das" in learned[0], "Hier" in learned[1], len(learned)] == [True, True, 2]
    assert "Was" in others[0] and "Wo" in others[1]


def test_a_row_that_is_too_long_says_so(mixture: Mixture, student: str, tmp_path: Path) -> None:
    own = {"student": {"model": student, "prompt": "raw"}, "train": {"max_tokens": 8}}
    write_configuration(Folder.of(tmp_path / "run"), own)
    sections = training(mixture, None, None, None)
    assert token_printer(mixture, sections)(ROW).startswith("tokens: none, the trainer leaves this row out (too_long")


def test_a_tokenizer_is_needed(mixture: Mixture) -> None:
    with pytest.raises(UserError, match="which tokenizer"):
        training(mixture, None, None, None)
