import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.translation.encoder_decoder.conversion import (
    checksum,
    converted,
    model_folder,
    stored_type,
    vocabulary,
)


def copy(folder: Path, place: Path) -> Path:
    shutil.copytree(folder, place)
    return place


def test_converted_once_and_found_by_content(nllb, tmp_path):
    cache = str(tmp_path / "cache")
    first = converted(nllb, "int8", cache)
    stamp = (first / "model.bin").stat().st_mtime_ns
    assert {"jpn_Jpan", "</s>"} <= vocabulary(first)
    moved = copy(nllb, tmp_path / "elsewhere")
    assert converted(moved, "int8_float32", cache) == first  # same content, same weights' type
    assert (first / "model.bin").stat().st_mtime_ns == stamp
    assert converted(nllb, "float32", cache) != first
    assert not list((tmp_path / "cache" / "ctranslate2").glob(".converting-*"))


def test_other_content_is_another_conversion(nllb, tmp_path):
    changed = copy(nllb, tmp_path / "changed")
    before = checksum(changed)
    (changed / "config.json").write_text((changed / "config.json").read_text() + " ")
    assert checksum(changed) != before


def test_a_damaged_conversion_is_made_again(nllb, tmp_path, capsys):
    cache = str(tmp_path / "cache")
    target = converted(nllb, "int8", cache)
    whole = (target / "model.bin").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1  # was once translated with
    for damaged in (whole[:100], bytes(flipped)):
        (target / "model.bin").write_bytes(damaged)
        assert converted(nllb, "int8", cache) == target
        assert (target / "model.bin").read_bytes() == whole
        assert "model.bin: damaged" in capsys.readouterr().err


def test_a_converted_folder_is_used_as_it_is(nllb, tmp_path):
    target = converted(nllb, "int8", str(tmp_path / "cache"))
    assert converted(target, "int8", str(tmp_path / "other")) == target


def _convert(folder: str, cache: str, locks: bool, queue: "multiprocessing.Queue[str]") -> None:
    if not locks:
        import fcntl

        def refuse(*_: object) -> None:
            raise OSError("locks are not supported")

        fcntl.flock = refuse
    queue.put(str(converted(Path(folder), "int8", cache)))


@pytest.mark.parametrize("locks", [True, False])
def test_processes_that_start_together_end_with_one_conversion(nllb, tmp_path, locks):
    cache = str(tmp_path / "cache")
    context = multiprocessing.get_context("spawn")  # a fork of this process, which has threads, may hang
    queue: multiprocessing.Queue[str] = context.Queue()
    processes = [context.Process(target=_convert, args=(str(nllb), cache, locks, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    results = {queue.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
    assert len(results) == 1 and (Path(results.pop()) / "model.bin").is_file()
    assert not list((tmp_path / "cache" / "ctranslate2").glob(".converting-*"))


@pytest.mark.parametrize(
    ("compute", "stored"),
    [("int8", "int8"), ("int8_float16", "int8"), ("float16", "float16"), ("default", "float32"), ("int16", "int16")],
)
def test_weights_type(compute, stored):
    assert stored_type(compute) == stored


def test_what_is_missing_is_said(tmp_path, nllb):
    with pytest.raises(UserError, match="no folder"):
        model_folder("/nowhere/nllb")
    with pytest.raises(UserError, match=r"no config\.json"):
        converted(tmp_path, "int8", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="no weights"):
        converted(tmp_path, "int8", str(tmp_path))
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    with pytest.raises(UserError, match="cannot be fetched"):
        model_folder("nobody/has-this-model")


def test_an_architecture_that_cannot_be_converted_is_said(tmp_path):
    from transformers import AlbertConfig, AlbertModel

    size = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16, "embedding_size": 8}
    AlbertModel(AlbertConfig(vocab_size=50, num_hidden_layers=1, **size)).save_pretrained(tmp_path / "albert")
    with pytest.raises(UserError, match="cannot convert"):
        converted(tmp_path / "albert", "int8", str(tmp_path / "cache"))


@pytest.mark.parametrize("damage", ["pickle", "json", "custom code", "empty weights"])
def test_hostile_folders_are_one_sentence(nllb, tmp_path, damage, monkeypatch):
    folder = copy(nllb, tmp_path / "model")
    asked = []
    monkeypatch.setattr("builtins.input", lambda *_: asked.append(1) or "y")
    if damage == "pickle":
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch " + bytes(tmp_path / "ran") + b"'\ntR.")
    elif damage == "json":
        (folder / "config.json").write_text("[" * 5000)
    elif damage == "custom code":
        config = json.loads((folder / "config.json").read_text())
        config |= {
            "model_type": "mine",
            "auto_map": {"AutoConfig": "code.Config", "AutoModelForSeq2SeqLM": "code.Model"},
        }
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    else:
        (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="cannot convert"):
        converted(folder, "int8", str(tmp_path / "cache"))
    assert not asked and not (tmp_path / "ran").exists()
