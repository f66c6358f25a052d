"""The card says what a model is, and names that come from data never become markup."""

from dataclasses import replace
from pathlib import Path

import yaml

from polydistill.engine.config import Student
from polydistill.engine.mixing.mixture import Mixture
from polydistill.trainer.publish.model_card import _plain, model_card
from polydistill.trainer.records import Best, Identity, SubsetFigures, TrainingRecord

RECORD = TrainingRecord(
    signature="polydistill:1|seed:0", student="", identity=Identity({}, "subset_mean", False, "", "raw", ""),
    model="model", files={}, steps=1200, steps_per_epoch=400, ranks=1, fill=1.0, answer_tokens_per_step=1.0,
    dropped={}, skipped=(), subsets={"LL": SubsetFigures(3000, 45000, 0)}, validation=(), best=Best(800, 0.5),
    packed_difference=0.0, curve=[{"step": 1200, "loss": 0.25}],
)  # fmt: skip


def test_the_card_says_what_it_is(mixture: str) -> None:
    record, student = Mixture.open(mixture).record, Student(model="org/base-7b", prompt="alpaca")
    text = model_card(RECORD, record, student)
    front = yaml.safe_load(text.split("---")[1])
    assert front["base_model"] == "org/base-7b" and front["library_name"] == "transformers"
    assert {"eng", "ind"} <= set(front["language"])
    assert "# base-7b, trained with test" in text and "for English, Indonesian." in text
    assert "| LL | 3,000 | 45,000 |" in text and "1,200 optimizer steps" in text and "last loss 0.2500." in text
    assert "Best validation loss: 0.5000 after 800 steps." in text and RECORD.signature in text
    adapter = model_card(replace(RECORD, model="adapter"), record, student)
    assert "A LoRA adapter for `org/base-7b`" in adapter and 'library_name: "peft"' in adapter


def test_markup_is_taken_out(tmp_path: Path) -> None:
    assert _plain("<script>x</script> | `a`") == "?script?x?/script? ? ?a?"
    assert _plain("meta-llama/Llama-2-7b_hf") == "meta-llama/Llama-2-7b_hf"
