"""The shipped tiny models, loaded by the libraries that load real ones."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from polydistill.tinyworld import build as building
from polydistill.tinyworld.build import MODELS, WEIGHTS, build, digest
from polydistill.tinyworld.corpora import tasks
from polydistill.tinyworld.facts import SOURCE, TARGETS, entities, facts, name, rare
from polydistill.tinyworld.translator import Sentences

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tiny) -> Path:
    return tiny


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


def test_the_student_is_good_in_english_and_poor_in_the_targets(world):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from polydistill.engine.generation.prompting.conversation import conversation
    from polydistill.engine.generation.prompting.tokens import PromptTokens

    folder = world / "models/student"
    coder, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    held = [fact for fact in facts() if fact.split == "test"][::4]

    def right(language: str) -> float:
        asked = [(fact, task) for fact in held for task in tasks(fact, language)]
        ids = PromptTokens(coder, "raw").prompt_ids([conversation(t.instruction, t.input) for _, t in asked])
        batch = coder.pad({"input_ids": ids}, return_tensors="pt")
        made = model.generate(**batch, max_new_tokens=40, do_sample=False)[:, batch["input_ids"].shape[1] :]
        texts = coder.batch_decode(made, skip_special_tokens=True)
        return float(np.mean([text.strip() == task.own for text, (_, task) in zip(texts, asked)]))

    assert right(SOURCE) > 0.9
    assert max(map(right, TARGETS)) < 0.2


def test_the_students_tokenizer_loses_nothing_and_names_look_alike_everywhere(world):
    from transformers import AutoTokenizer

    coder = AutoTokenizer.from_pretrained(world / "models/student")
    assert all(token is not None for token in (coder.bos_token, coder.eos_token, coder.pad_token))
    text = "日本 の通貨は 円 です 。 Zażółć gęślą jaźń 🙂"
    assert coder.decode(coder(text)["input_ids"], skip_special_tokens=True) == text
    for entity in entities()[::7]:
        pieces = coder(name(entity, "deu_Latn"), add_special_tokens=False)["input_ids"]
        inside = coder(f"Ja , {name(entity, 'deu_Latn')} .", add_special_tokens=False)["input_ids"]
        assert inside[-1 - len(pieces) : -1] == pieces


def test_the_translator_runs_in_ctranslate2_and_errs_on_rare_names_only(world, tmp_path):
    import ctranslate2
    from transformers import AutoTokenizer

    folder = world / "models/nllb"
    out = tmp_path / "ct2"
    ctranslate2.converters.TransformersConverter(str(folder)).convert(str(out), quantization="int8")
    translator = ctranslate2.Translator(str(out), device="cpu", inter_threads=1)
    coder = AutoTokenizer.from_pretrained(folder, src_lang=SOURCE)
    rng, common, everything = random.Random(9), Sentences(with_rare=False), Sentences(with_rare=True)
    unknown = {name(e, SOURCE) for e in entities() if rare(e)} - {name(e, SOURCE) for e in common.named}
    with_rare = [t for t in (everything.draw(rng) for _ in range(900)) if any(f" {u} " in t[SOURCE] for u in unknown)]

    def right(sentences: list[dict[str, str]]) -> float:
        asked = [(texts, TARGETS[i % 3]) for i, texts in enumerate(sentences)]
        tokens = [coder.convert_ids_to_tokens(coder(texts[SOURCE])["input_ids"]) for texts, _ in asked]
        results = translator.translate_batch(tokens, target_prefix=[[target] for _, target in asked], beam_size=1)
        made = [coder.decode(coder.convert_tokens_to_ids(result.hypotheses[0][1:])) for result in results]
        return float(np.mean([text == texts[target] for text, (texts, target) in zip(made, asked)]))

    assert right([common.draw(rng) for _ in range(150)]) > 0.9
    assert right(with_rare[:150]) < 0.2


def test_quality_estimation_tells_right_translations_from_wrong_ones(world):
    from sklearn.metrics import roc_auc_score

    from polydistill.engine.judging.quality.comet import Comet
    from polydistill.tinyworld.estimator import translate

    examples = translate(world / "models/nllb", 400)
    scores = Comet.load(str(world / "models/comet")).score([e[0] for e in examples], [e[1] for e in examples])
    good = np.array([hypothesis == reference for _, hypothesis, reference in examples])
    assert 0.2 < good.mean() < 0.8
    assert roc_auc_score(good, scores) > 0.85
    # At SDRRL's threshold most right ones stay and most wrong ones go.
    assert (scores[good] >= 0.8).mean() > 0.8 and (scores[~good] < 0.8).mean() > 0.7
