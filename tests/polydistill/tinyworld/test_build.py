"""Building: shipped weights are those of this code, and only what is stale is trained."""

import json

import pytest

from polydistill.tinyworld import build as building
from polydistill.tinyworld.build import MODELS, WEIGHTS, build, digest

pytestmark = pytest.mark.slow


def test_the_shipped_weights_belong_to_this_code():
    assert json.loads((WEIGHTS / "digests.json").read_text()) == {model: digest(model) for model in MODELS}, (
        "retrain and ship: python -m polydistill.tinyworld.build FOLDER --ship"
    )


def test_the_shipped_weights_are_small_and_nothing_but_tensors_and_text():
    files = [file for file in WEIGHTS.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 12e6
    assert {file.suffix for file in files} <= {".safetensors", ".json", ".yaml"}


def test_a_second_build_keeps_what_is_there_and_a_damaged_record_renews_it(tmp_path):
    world = build(tmp_path)
    before = (world / "instructions.json").stat().st_mtime_ns
    assert build(world) == world
    assert (world / "instructions.json").stat().st_mtime_ns == before
    (world / "world.json").write_text("{}")
    build(world)
    assert (world / "instructions.json").stat().st_mtime_ns > before


def test_stale_weights_are_trained_again(tmp_path, monkeypatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(building, "_train", lambda models, folder: asked.append(list(models)))
    real = digest("nllb")
    monkeypatch.setattr(building, "digest", lambda model: real if model == "nllb" else f"another {model}")
    build(tmp_path)
    assert asked == [["student", "comet"]] and (tmp_path / "models/nllb/config.json").is_file()
