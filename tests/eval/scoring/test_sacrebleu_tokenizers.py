"""BLEU's tokenizers: sacreBLEU's own, a local sentencepiece model, and the one that suits a language."""

from pathlib import Path

import pytest
from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS

from polydistill.engine.errors import UserError
from polydistill.eval.scoring import sacrebleu_tokenizers
from polydistill.eval.scoring.sacrebleu_tokenizers import bleu_metric, tokenizer_of

TEXTS = ["Der Hund bellt .", "Ein großes Haus steht hier", "Das ist ein langer Satz über gar nichts."]


def test_a_local_sentencepiece_model(tmp_path: Path) -> None:
    import sentencepiece

    (tmp_path / "text").write_text("\n".join(TEXTS * 20), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"), model_prefix=str(tmp_path / "spm"), vocab_size=32, minloglevel=2
    )
    metric = bleu_metric(str(tmp_path / "spm.model"))
    assert metric.corpus_score(TEXTS, [TEXTS]).score == pytest.approx(100)
    assert "tok:spm-spm.model-" in str(metric.get_signature())
    assert metric.tokenizer("Hund").replace(" ", "").lstrip("\u2581") == "Hund"


def test_an_unknown_tokenizer_is_named() -> None:
    with pytest.raises(UserError, match=r"13aa.*flores200"):
        bleu_metric("13aa")


def test_a_model_that_cannot_be_fetched_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Offline(sacrebleu_tokenizers.BLEU):
        def __init__(self, **settings: object) -> None:
            raise OSError("no network")

    monkeypatch.setattr(sacrebleu_tokenizers, "BLEU", Offline)
    with pytest.raises(UserError) as error:
        bleu_metric("flores200")
    assert f"from {SPM_MODELS['flores200']['url']}" in str(error.value) and "no network" in str(error.value)


@pytest.mark.parametrize(
    ("language", "found"),
    [("zho_Hans", "zh"), ("yue_Hant", "zh"), ("jpn_Jpan", "char"), ("tha_Thai", "char"), ("deu_Latn", "13a")],
)
def test_the_tokenizer_that_suits_a_language(language: str, found: str) -> None:
    assert tokenizer_of("language", language) == found
    assert tokenizer_of("flores200", language) == "flores200"
