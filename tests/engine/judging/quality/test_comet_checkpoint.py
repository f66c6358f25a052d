"""Checkpoints of COMET: whatever is wrong with one is a sentence, and nothing in it is executed."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from polydistill.engine.errors import UserError
from polydistill.engine.judging.quality.comet_checkpoint import checkpoint
from tests.engine.judging.comet import models


@pytest.fixture(scope="module")
def kiwi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.write(tmp_path_factory.mktemp("kiwi"), "kiwi")


def test_what_cannot_be_loaded_is_told(kiwi: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such COMET checkpoint"):
        checkpoint(str(tmp_path / "nothing"))
    with pytest.raises(UserError, match=r"hparams.yaml"):
        checkpoint(str(tmp_path))
    (tmp_path / "hparams.yaml").write_text("class_identifier: xcomet_metric\n")
    with pytest.raises(UserError, match="xcomet_metric"):
        checkpoint(str(tmp_path))
    text = (kiwi / "hparams.yaml").read_text(encoding="utf-8")
    (tmp_path / "hparams.yaml").write_text(text)
    with pytest.raises(UserError, match=r"model\.safetensors"):
        checkpoint(str(tmp_path))


def test_a_checkpoint_with_code_is_refused(kiwi: Path, tmp_path: Path) -> None:
    shutil.copytree(kiwi, tmp_path / "m")
    torch.save({"state_dict": {}, "callbacks": Path("x")}, tmp_path / "m" / "checkpoints" / "model.ckpt")
    with pytest.raises(UserError, match="never unpickled"):
        checkpoint(str(tmp_path / "m"))


@pytest.mark.parametrize(
    ("hparams", "message"),
    [
        ("", "found NoneType"),
        ("- a\n- b", "found list"),
        ("class_identifier: unified_metric", "lacks encoder_model, pretrained_model"),
        ("\x00", "not plain YAML"),
        ("class_identifier: [unified_metric]\nencoder_model: XLM-RoBERTa\npretrained_model: x", "not supported"),
        (None, "do not have the shapes"),
    ],
)
def test_hostile_hparams_are_a_sentence(kiwi: Path, tmp_path: Path, hparams: str | None, message: str) -> None:
    shutil.copytree(kiwi, tmp_path / "m")
    file = tmp_path / "m" / "hparams.yaml"
    known = file.read_text(encoding="utf-8")
    assert "- 24" in known  # a layer's width
    file.write_text(known.replace("- 24", "- 25") if hparams is None else hparams, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        checkpoint(str(tmp_path / "m"))


@pytest.mark.parametrize("state", [{"state_dict": [1, 2]}, {"state_dict": {"a": "b"}}, {}, [1]])
def test_weights_of_another_kind_are_a_sentence(kiwi: Path, tmp_path: Path, state: object) -> None:
    shutil.copytree(kiwi, tmp_path / "m")
    torch.save(state, tmp_path / "m" / "checkpoints" / "model.ckpt")
    with pytest.raises(UserError, match="plain tensors"):
        checkpoint(str(tmp_path / "m"))


def test_an_encoder_with_code_is_refused_without_a_question(kiwi: Path, tmp_path: Path) -> None:
    shutil.copytree(kiwi, tmp_path / "m")
    encoder = tmp_path / "m" / "encoder"
    config = json.loads((encoder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (encoder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (encoder / "own.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    with pytest.raises(UserError, match="own code is not supported"):
        checkpoint(str(tmp_path / "m"), str(encoder))


def test_comets_own_table_stays_as_it_was(kiwi: Path) -> None:
    from comet.encoders import str2encoder
    from comet.encoders.xlmr import XLMREncoder

    checkpoint(str(kiwi))
    assert str2encoder["XLM-RoBERTa"] is XLMREncoder
