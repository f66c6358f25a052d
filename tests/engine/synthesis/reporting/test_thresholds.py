"""Thresholds of a run's configuration, by language."""

from pathlib import Path

import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.storage.configuration import write_configuration
from polydistill.engine.storage.shards import Folder
from polydistill.engine.synthesis.reporting.thresholds import Thresholds, thresholds


def test_defaults_languages_and_what_is_off(tmp_path: Path) -> None:
    place = Folder.of(tmp_path)
    assert thresholds(place, ["deu_Latn"]) == {}
    write_configuration(place, {"judge": {"quality": None}})
    assert thresholds(place, ["deu_Latn"]) == {"deu_Latn": Thresholds(None, 1 / 3, 3.0)}
    quality = {"model": "m", "threshold": {"default": 0.8, "tha_Thai": 0.7}}
    write_configuration(place, {"judge": {"quality": quality}})
    found = thresholds(place, ["deu_Latn", "tha_Thai"])
    assert [found[target].quality for target in ("deu_Latn", "tha_Thai")] == [0.8, 0.7]


def test_a_wrong_threshold_names_the_file(tmp_path: Path) -> None:
    write_configuration(Folder.of(tmp_path), {"judge": {"rules": {"length_ratio": "high"}}})
    with pytest.raises(UserError, match=r"config\.yaml"):
        thresholds(Folder.of(tmp_path), ["deu_Latn"])
