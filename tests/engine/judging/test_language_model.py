"""A language model without German as the translator, tinyworld's student: what it writes is parsed, judged and dropped.

The fallback is tinyworld's translator. What it makes of the failed texts is kept.
"""

import json
from pathlib import Path

import pytest

from polydistill.engine.config import Judge, Quality, Rules, Translate
from polydistill.engine.judging.quality.estimator import load_estimator
from polydistill.engine.judging.quality.once import OnceEstimator
from polydistill.engine.judging.rescue import RescueStage
from polydistill.engine.judging.stage import JudgeStage
from polydistill.engine.storage.figures import figures_of
from polydistill.engine.translation.chat.chat_translator import ChatTranslator, Written
from polydistill.engine.translation.stage import TranslateStage

ROWS = 8


@pytest.mark.slow
def test_what_a_model_without_german_writes_is_dropped_and_translated_again(tiny: Path, table_of) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny / "models/student")
    model = AutoModelForCausalLM.from_pretrained(tiny / "models/student").eval()

    def ask(prompts: list[str]) -> list[Written]:
        encoded = [tokenizer(prompt, return_tensors="pt", return_token_type_ids=False) for prompt in prompts]
        made = [
            model.generate(**one, max_new_tokens=40, do_sample=False)[0, one["input_ids"].shape[1] :] for one in encoded
        ]
        return [Written(tokenizer.decode(ids, skip_special_tokens=True), "stop") for ids in made]

    rows = json.loads((tiny / "instructions.json").read_text())[:ROWS]
    table = table_of(*(row["output"] for row in rows), instruction=[row["instruction"] for row in rows])
    made = TranslateStage(Translate(model="x", method="chat"), translator=ChatTranslator(ask, "chat"))(table, ["de"])
    quality = Quality(model=str(tiny / "models/comet"), threshold=0.8)
    judge = Judge(rules=Rules(copied=1.0), quality=quality)
    estimator = load_estimator(judge, "cpu")
    assert estimator is not None
    once = OnceEstimator(estimator)
    fallback = TranslateStage(Translate(model=str(tiny / "models/nllb"), threads=1))
    pool = RescueStage(JudgeStage(judge, "cpu", once), quality, once, fallback)(made)
    figures = figures_of(pool)
    assert figures.rescue is not None and figures.rescue.kept_without_fallback == 0
    assert figures.kept >= ROWS / 2 and figures.rescue.texts_fallback > ROWS
    notes = {
        note for column in ("notes_instruction", "notes_truth") for own in made[column].to_pylist() for note in own
    }
    assert "answered" in notes  # it answers questions in English instead of translating them
