"""Scores equal those of unmodified COMET: on record, and anew where COMET_PYTHON names an environment of its own."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from polydistill.engine.errors import UserError
from tests.engine.judging.comet import models

HERE = Path(__file__).parents[1] / "comet"


RECORD = json.loads((HERE / "scores.json").read_text(encoding="utf-8"))
SOURCES, HYPOTHESES, REFERENCES = (list(column) for column in zip(*models.PAIRS))
NEEDS = {"unified": REFERENCES, "regression": REFERENCES}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: models.write(tmp_path_factory.mktemp(kind), kind) for kind in models.KINDS}


@pytest.mark.parametrize("kind", list(models.KINDS))
@pytest.mark.parametrize("batch_tokens", [64, 4096])
def test_scores_equal_unmodified_comet(folders: dict[str, Path], kind: str, batch_tokens: int) -> None:
    from polydistill.engine.judging.quality.comet import Comet

    comet = Comet.load(str(folders[kind]), batch_tokens=batch_tokens)
    scores = comet.score(SOURCES, HYPOTHESES, NEEDS.get(kind))
    assert scores.dtype == np.float32
    assert np.abs(scores - RECORD["scores"][kind]).max() < 1e-4
    # The record would prove nothing if every pair scored the same.
    assert np.ptp(RECORD["scores"][kind]) > 0.1


def test_order_and_repetition_do_not_matter(folders: dict[str, Path]) -> None:
    from polydistill.engine.judging.quality.comet import Comet

    comet = Comet.load(str(folders["kiwi"]))
    once = comet.score(SOURCES, HYPOTHESES)
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(SOURCES)), 3))
    again = comet.score([SOURCES[i] for i in order], [HYPOTHESES[i] for i in order])
    assert np.allclose(again, once[order], atol=1e-6)
    assert comet.score([], []).shape == (0,)


def test_overlong_pairs_are_told(folders: dict[str, Path]) -> None:
    from polydistill.engine.judging.quality.comet import Comet

    comet = Comet.load(str(folders["kiwi"]))
    told = comet.overlong(SOURCES, HYPOTHESES)
    room = comet.encoder.max_positions - 4
    tokenize = comet.encoder.tokenizer
    lengths = [len(tokenize(s + " " + h, add_special_tokens=False).input_ids) for s, h in zip(SOURCES, HYPOTHESES)]
    assert told[np.argmax(lengths)] and max(lengths) > room
    assert not told[SOURCES.index("Yes.")]


def test_out_of_memory_halves_and_a_bad_row_stands_alone(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from polydistill.engine.judging.quality.comet import Comet

    comet = Comet.load(str(folders["kiwi"]))
    expected = comet.score(SOURCES, HYPOTHESES)
    real = comet.model.forward
    bad = comet.encoder.tokenizer("Sebutkan", add_special_tokens=False).input_ids

    def forward(ids: torch.Tensor, mask: torch.Tensor) -> object:
        if len(ids) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if any(row[1 : 1 + len(bad)].tolist() == bad for row in ids):
            raise RuntimeError("this row fails")
        return real(ids, mask)

    monkeypatch.setattr(comet.model, "forward", forward)
    scores = comet.score(SOURCES, HYPOTHESES)
    failed = [i for i, text in enumerate(HYPOTHESES) if text.startswith("Sebutkan")]
    assert np.isnan(scores[failed]).all()  # not a low score
    rest = [i for i in range(len(SOURCES)) if i not in failed]
    assert np.allclose(scores[rest], expected[rest], atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("COMET_PYTHON"), reason="COMET_PYTHON names no python with COMET's own pins")
@pytest.mark.parametrize("kind", list(models.KINDS))
def test_scores_equal_unmodified_comet_now(folders: dict[str, Path], tmp_path: Path, kind: str) -> None:
    from polydistill.engine.judging.quality.comet import Comet

    rows = [[s[i:], h[: len(h) - i], r] for i in range(4) for s, h, r in models.PAIRS if len(h) > 4]
    (tmp_path / "pairs.json").write_text(json.dumps(rows), encoding="utf-8")
    command = [os.environ["COMET_PYTHON"], str(HERE / "models.py"), "predict", str(folders[kind])]
    subprocess.run([*command, str(tmp_path / "pairs.json"), str(tmp_path / "out.json")], check=True)
    theirs = json.loads((tmp_path / "out.json").read_text())
    columns = [list(column) for column in zip(*rows)]
    ours = Comet.load(str(folders[kind])).score(columns[0], columns[1], columns[2] if kind in NEEDS else None)
    assert np.abs(ours - theirs).max() < 1e-4


def test_a_model_that_needs_references_says_so(folders: dict[str, Path]) -> None:
    from polydistill.engine.judging.quality.comet import Comet

    with pytest.raises(UserError, match="references"):
        Comet.load(str(folders["regression"])).score(SOURCES, HYPOTHESES)
