"""Thresholds of a run's configuration, by language."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.reporting.thresholds import Thresholds, thresholds


def test_defaults_languages_and_what_is_off(tmp_path: Path) -> None:
    place, config = Folder.of(tmp_path), tmp_path / "config.yaml"
    assert thresholds(place, ["deu_Latn"]) == {}
    config.write_text("judge: {quality: null}\n")
    assert thresholds(place, ["deu_Latn"]) == {"deu_Latn": Thresholds(None, 1 / 3, 3.0)}
    config.write_text("judge: {quality: {model: m, threshold: {default: 0.8, tha_Thai: 0.7}}}\n")
    found = thresholds(place, ["deu_Latn", "tha_Thai"])
    assert [found[target].quality for target in ("deu_Latn", "tha_Thai")] == [0.8, 0.7]


def test_a_wrong_threshold_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("judge: {rules: {length_ratio: high}}\n")
    with pytest.raises(UserError, match=r"config\.yaml"):
        thresholds(Folder.of(tmp_path), ["deu_Latn"])
