"""The shipped translator, loaded by the library that loads real ones."""

import random
from pathlib import Path

import numpy as np
import pytest

from polydistill.tinyworld.facts import SOURCE, TARGETS, entities, name, rare
from polydistill.tinyworld.translator import Sentences

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tiny) -> Path:
    return tiny


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
