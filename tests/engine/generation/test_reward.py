"""Rewards by a classifier whose scores are worked out by hand: eight times the weight of the answer's last word."""

from pathlib import Path
from typing import Any

import pytest

from polydistill.engine.config import Reward, Student
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Message
from polydistill.engine.generation.reward import RewardModel, check_reward_model
from polydistill.engine.generation.selection import Candidate, choose, score
from tests.engine.generation.tokenizers_fixture import make_tokenizer

WORDS = ["<unk>", "</s>", "good", "fair", "bad", "answer", "Q"]
WEIGHTS = {"good": 1.0, "fair": 0.25, "bad": -1.0}


def write_model(folder: Path, labels: int = 1, room: int = 8) -> str:
    """A Llama of one layer that does nothing: what it says of a text depends on the last token alone."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>").save_pretrained(folder)
    size = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    size |= {"head_dim": 64, "num_key_value_heads": 1, "max_position_embeddings": room}
    model = LlamaForSequenceClassification(LlamaConfig(vocab_size=len(WORDS), num_labels=labels, **size))
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.model.embed_tokens.weight[: len(WORDS)] = torch.eye(len(WORDS), 64)
        model.model.norm.weight.fill_(1)  # an embedding of length 1 in 64 dimensions becomes one of length 8
        for word, value in WEIGHTS.items():
            model.score.weight[0, WORDS.index(word)] = value
    model.save_pretrained(folder)
    return str(folder)


def whole(*texts: str) -> list[Candidate]:
    return [Candidate(text, "stop", 1) for text in texts]


def test_the_answer_with_the_highest_reward_is_chosen(tmp_path: Path) -> None:
    model = RewardModel(Reward(model=write_model(tmp_path), batch_tokens=64))
    candidates = [
        [*whole("answer bad", "answer answer fair", "good"), Candidate("good", "length", 1)],
        [*whole("bad", "answer " * 9 + "good"), Candidate("", "error: x", 0)],
        [Candidate("good", "length", 1)],
    ]
    rated = model.rated([[Message("user", "Q")]] * 3, candidates)
    assert [one.reward for one in rated[0]] == [pytest.approx(v, abs=1e-2) for v in (-8, 2, 8)] + [None]
    assert [one.reward for one in rated[1]] == [pytest.approx(-8, abs=1e-2), None, None]  # too long, and no answer
    chosen = [choose(score(some, "quality", "", "eng_Latn")) for some in rated]
    assert chosen == [2, 0, None]


def test_a_model_with_a_chat_template_reads_the_whole_conversation(tmp_path: Path) -> None:
    write_model(tmp_path, room=4096)
    tokenizer = make_tokenizer(template="zephyr")
    tokenizer.save_pretrained(tmp_path)
    model = RewardModel(Reward(model=str(tmp_path)))
    turns = [Message("user", "What is it?"), Message("assistant", "It is so."), Message("user", "And now?")]
    plain = [{"role": turn.role, "content": turn.content} for turn in turns]
    wanted = tokenizer.apply_chat_template([*plain, {"role": "assistant", "content": "Paris."}], return_dict=False)
    assert model._ids(turns, "Paris.") == wanted
    assert tokenizer.decode(wanted).endswith("</s>\n")
    assert model._ids(turns, "</s>").count(tokenizer.eos_token_id) == wanted.count(tokenizer.eos_token_id)


def test_other_models_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"with 2 outputs\. Expected a reward model: a sequence classifier with one"):
        check_reward_model(write_model(tmp_path / "two", labels=2))
    (tmp_path / "comet").mkdir()
    (tmp_path / "comet" / "hparams.yaml").write_text("class_identifier: unified_metric")
    with pytest.raises(UserError, match="scores translations and no answers"):
        check_reward_model(str(tmp_path / "comet"))
    with pytest.raises(UserError, match="has no configuration"):
        check_reward_model(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"select": "quality"}, "need each other"),
        ({"reward": "folder"}, "need each other"),
        ({"select": "quality", "reward": "folder", "samples": 1}, "needs `samples` above 1"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Student(model="m", **{"samples": 2, "temperature": 1.0, **settings})
    right = Student(model="m", samples=2, temperature=1.0, select="quality", reward="folder")
    assert right.reward == Reward(model="folder")
