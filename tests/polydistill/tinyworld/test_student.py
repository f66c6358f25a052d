"""The shipped student, loaded by the library that loads real ones."""

from pathlib import Path

import numpy as np
import pytest

from polydistill.tinyworld.corpora import tasks
from polydistill.tinyworld.facts import SOURCE, TARGETS, entities, facts, name

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tiny) -> Path:
    return tiny


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
