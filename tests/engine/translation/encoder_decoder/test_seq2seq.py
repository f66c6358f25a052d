"""The real CTranslate2 and tokenizers on tiny models with random weights."""

import numpy as np
import pytest

from polydistill.engine.config import Translate
from polydistill.engine.errors import UserError
from polydistill.engine.translation.encoder_decoder import seq2seq
from polydistill.engine.translation.encoder_decoder.seq2seq import Seq2Seq

SENTENCES = ["The cat sat on the mat.", "Where is the library?", "It rains today.", "a b c d e f g"]


def texts(hypotheses):
    return [hypothesis.text for hypothesis in hypotheses]


@pytest.fixture(scope="module")
def model(nllb, conversions):
    return Seq2Seq(Translate(model=str(nllb), beam=2, max_output_tokens=64, threads=1), cache=conversions)


def huggingface_greedy(folder, sentences, source, target, tokens):
    """What transformers' own tokenizer and `generate` make of the sentences."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32).eval()
    options = {"num_beams": 1, "do_sample": False, "max_new_tokens": tokens, "forced_eos_token_id": None}
    if source:
        tokenizer.src_lang = source
        options["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(target)
    else:
        sentences = [target + sentence for sentence in sentences]
    texts = []
    for sentence in sentences:
        output = model.generate(**tokenizer(sentence, return_tensors="pt"), **options)
        texts.append(tokenizer.decode(output[0], skip_special_tokens=True).removeprefix(target).strip())
    return texts


def test_nllb_equals_transformers(nllb, conversions):
    config = Translate(model=str(nllb), beam=1, compute_type="float32", max_output_tokens=16)
    hypotheses = texts(Seq2Seq(config, cache=conversions)(SENTENCES, ["eng_Latn"] * 4, ["jpn_Jpan"] * 4))
    assert hypotheses == huggingface_greedy(nllb, SENTENCES, "eng_Latn", "jpn_Jpan", 16)


@pytest.mark.parametrize(
    ("family", "source", "tag"),
    [("m2m100", "en", "__de__"), ("madlad", None, "<2de>"), ("marian", None, ">>deu<<")],
)
def test_other_families_equal_transformers(family, source, tag, tmp_path, save_family):
    folder = save_family(family)
    config = Translate(model=str(folder), beam=1, compute_type="float32", max_output_tokens=12)
    translator = Seq2Seq(config, cache=str(tmp_path / "cache"))
    hypotheses = texts(translator(SENTENCES[:2], ["eng_Latn"] * 2, ["deu_Latn"] * 2))
    assert hypotheses == huggingface_greedy(folder, SENTENCES[:2], source, tag, 12)
    with pytest.raises(UserError, match="Ewe"):
        translator(["x"], ["eng_Latn"], ["ewe_Latn"])


def test_one_batch_may_mix_languages_and_order_is_kept(model):
    targets = ["deu_Latn", "jpn_Jpan"] * 2
    together = model(SENTENCES, ["eng_Latn"] * 4, targets)
    alone = [model([sentence], ["eng_Latn"], [target])[0] for sentence, target in zip(SENTENCES, targets)]
    assert together == alone
    german = ["deu_Latn"] * 4
    assert model(SENTENCES, ["eng_Latn"] * 4, german) != model(SENTENCES, ["ind_Latn"] * 4, german)
    assert model([], [], []) == []


def test_same_call_same_bytes(model):
    rows = (SENTENCES * 5, ["eng_Latn"] * 20, ["deu_Latn", "jpn_Jpan", "ind_Latn", "jpn_Jpan"] * 5)
    assert model(*rows) == model(*rows)


def test_a_hypothesis_at_the_limit_is_marked(model):
    hypotheses = model(SENTENCES, ["eng_Latn"] * 4, ["deu_Latn"] * 4)
    assert [hypothesis.notes for hypothesis in hypotheses] == [("truncated",)] * 4  # random weights never stop


def test_a_long_sentence_is_given_in_parts_none_of_them_cut(model, monkeypatch):
    seen = []
    translate = model._translate
    monkeypatch.setattr(model, "_translate", lambda rows, *rest: seen.extend(rows) or translate(rows, *rest))
    words = " ".join(f"number {index}, and" for index in range(300))
    assert model([words], ["eng_Latn"], ["deu_Latn"])[0].text
    assert len(seen) > 5 and all(len(tokens) <= 126 for tokens in seen)
    whole = model._tokenize([words])[words]
    parts = [token for tokens, _ in model._parts(words, whole) for token in tokens]
    assert "".join(parts).replace("▁", "") == "".join(whole).replace("▁", "")
    given = [token for tokens in seen for token in tokens if token not in ("eng_Latn", "</s>")]
    assert sorted(given) == sorted(parts)


def test_special_tokens_in_a_text_are_text(model):
    (tokens,) = model._tokenize(["a </s> b deu_Latn"]).values()
    assert "</s>" not in tokens and "deu_Latn" not in tokens


def test_batch_that_does_not_fit_is_halved(model, monkeypatch):
    sizes = []
    translate = model._translate

    def small_memory(rows, *rest):
        sizes.append(len(rows))
        if len(rows) > 3:
            raise RuntimeError("CUDA failed with error out of memory")
        return translate(rows, *rest)

    rows = (SENTENCES * 4, ["eng_Latn"] * 16, ["deu_Latn"] * 16)
    expected = model(*rows)
    monkeypatch.setattr(model, "_translate", small_memory)
    assert model(*rows) == expected
    assert max(sizes) > 3


def test_one_bad_row_is_an_error_of_its_own(model, monkeypatch):
    translate = model._translate

    def broken(rows, *rest):
        if any("▁library?" in "".join(tokens) for tokens in rows):
            raise RuntimeError("bad\nrow")
        return translate(rows, *rest)

    monkeypatch.setattr(model, "_translate", broken)
    hypotheses = model(SENTENCES, ["eng_Latn"] * 4, ["deu_Latn"] * 4)
    assert [text is None for text in texts(hypotheses)] == [False, True, False, False]
    assert hypotheses[1].notes == ("error: RuntimeError: bad row",)


def test_limits_follow_the_source_in_powers_of_two(model):
    limits = model.limit(np.array([1, 5, 8, 100]))
    assert limits.tolist() == [64, 64, 64, 64]  # max_output_tokens
    assert (np.diff(limits) >= 0).all()


def test_unknown_language_is_named(model):
    with pytest.raises(UserError, match=r"French \(fra_Latn\)"):
        model(["x"], ["eng_Latn"], ["fra_Latn"])


def test_a_gpu_that_is_not_there_stops(nllb, monkeypatch):
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    with pytest.raises(UserError, match="does not fall back"):
        Seq2Seq(Translate(model=str(nllb)), device="cuda")


@pytest.mark.parametrize("compute_type", ["int8", "int8_float32", "float32", "default", "auto"])
def test_every_compute_type_of_a_cpu(nllb, conversions, compute_type):
    config = Translate(model=str(nllb), compute_type=compute_type, beam=1, max_output_tokens=8, threads=1)
    hypotheses = texts(Seq2Seq(config, cache=conversions)(SENTENCES, ["eng_Latn"] * 4, ["deu_Latn"] * 4))
    assert all(hypotheses)


def test_cuda_12s_cublas_is_loaded_before_a_gpu_is_used(tmp_path, monkeypatch):
    library = tmp_path / "nvidia" / "cublas" / "lib" / "libcublas.so.12"
    library.parent.mkdir(parents=True)
    library.touch()
    loaded = []
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("ctypes.CDLL", lambda path, mode: loaded.append(path))
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 2)
    assert seq2seq._device("cuda:1") == ("cuda", 1)
    assert str(library) in loaded
    with pytest.raises(UserError, match="sees 2 GPUs"):
        seq2seq._device("cuda:2")


def test_wrong_device_and_compute_type_are_named(nllb):
    with pytest.raises(UserError, match="cuda:N"):
        Seq2Seq(Translate(model=str(nllb)), device="tpu")
    with pytest.raises(UserError, match=r"int4.*int8"):
        Seq2Seq(Translate(model=str(nllb), compute_type="int4"))


def test_an_unknown_token_is_told(model, monkeypatch):
    class Unknowing:
        def translate_batch(self, inputs, **options):
            return [type("Result", (), {"hypotheses": [["deu_Latn", "▁a", "<unk>", "</s>"]]})() for _ in inputs]

    monkeypatch.setattr(model, "translator", Unknowing())
    (hypothesis,) = model(["x"], ["eng_Latn"], ["deu_Latn"])
    assert hypothesis.notes == ("unknown_token",) and hypothesis.text == "a"


def test_threads_come_from_the_configuration_or_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert seq2seq._workers(0) == 3 and seq2seq._workers(2) == 2
