import json
from pathlib import Path

import pytest

from polydistill.engine.config import Translate
from polydistill.engine.errors import UserError
from polydistill.engine.translation.self_translation import (
    Completion,
    SelfTranslator,
    example_pairs,
    parse,
    prompt,
    vllm_generate,
)
from polydistill.engine.translation.translator import Hypothesis

PAIRS = [(f"Text {number}.", f"Satz {number}.") for number in range(8)]


def test_prompt_is_the_papers():
    text = prompt("It `rains`.", "eng_Latn", "deu_Latn", PAIRS)
    lines = text.split("\n")
    assert len(lines) == 18
    assert lines[:2] == ["en: `Text 0.`", "de: `Satz 0.`"]
    assert lines[-2:] == ["en: `It 'rains'.`", "de: `"]


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (Completion("Es regnet.", "stop"), Hypothesis("Es regnet.")),
        (Completion(" Es\nregnet ", "length"), Hypothesis("Es regnet", ("truncated",))),
        (Completion("Es regnet.", "end"), Hypothesis("Es regnet.", ("no_end",))),
        (Completion("", "error: prompt of 9 tokens"), Hypothesis(None, ("error: prompt of 9 tokens",))),
    ],
)
def test_completions(completion, expected):
    assert parse(completion) == expected


def test_translator_asks_once_for_all_and_keeps_the_order():
    asked = []

    def generate(prompts, max_tokens, stop):
        asked.append((len(prompts), max_tokens, stop))
        return [Completion(text.split("`")[-3].upper() + text[-6:-4], "stop") for text in prompts]

    translator = SelfTranslator(generate, lambda source, target: PAIRS, max_tokens=99)
    hypotheses = translator(["one", "two"], ["eng_Latn"] * 2, ["deu_Latn", "jpn_Jpan"])
    assert asked == [(2, 99, "`")]
    assert [hypothesis.text[:3] for hypothesis in hypotheses] == ["ONE", "TWO"]
    assert [hypothesis.notes for hypothesis in hypotheses] == [(), ()]
    assert translator([], [], []) == []


def test_it_works_behind_the_stage_line_by_line(table_of):
    from polydistill.engine.translation.stage import TranslateStage

    generate = lambda prompts, *_: [Completion(text.split("`")[-3].upper(), "stop") for text in prompts]  # noqa: E731
    translator = SelfTranslator(generate, lambda *_: PAIRS)
    stage = TranslateStage(Translate(model="the student"), translator=translator)
    result = stage(table_of("One. Use `x`.\n- Two. Three."), ["de"])
    assert result["mt_truth"].to_pylist() == ["ONE. USE `x`.\n- TWO. THREE."]


def test_examples_are_read_in_both_directions(tmp_path):
    rows = ["a\tb\tc", "\t", *(f"{source}\t{target}" for source, target in PAIRS), "more\tmehr"]
    (tmp_path / "eng_Latn-deu_Latn.tsv").write_text("\n".join(rows))
    pairs = example_pairs(str(tmp_path))
    assert pairs("eng_Latn", "deu_Latn") == PAIRS
    assert pairs("deu_Latn", "eng_Latn") == [(target, source) for source, target in PAIRS]
    with pytest.raises(UserError, match=r"eng_Latn-jpn_Jpan\.tsv"):
        pairs("eng_Latn", "jpn_Jpan")
    (tmp_path / "eng_Latn-ind_Latn.tsv").write_text("a\tb\n")
    with pytest.raises(UserError, match="has 1 pairs"):
        pairs("eng_Latn", "ind_Latn")


def test_a_gpu_that_is_not_there_stops(monkeypatch):
    monkeypatch.setattr("polydistill.engine.environment.has_gpu", lambda: False)
    with pytest.raises(UserError, match="no GPU"):
        vllm_generate(Translate(model="x", method="self", examples="x"), "cuda")


@pytest.mark.slow
def test_vllm_stops_at_the_back_tick_and_refuses_long_prompts(tmp_path: Path):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<unk>", "</s>", "`", "a", "b"]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>").save_pretrained(tmp_path)
    size = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = LlamaConfig(
        vocab_size=5, head_dim=64, num_key_value_heads=1, max_position_embeddings=64, eos_token_id=1, **size
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():  # a model that says after each word what comes next: a b `, and </s> after an unknown word
        for weight in model.parameters():
            weight.zero_()
        model.model.embed_tokens.weight[:5] = torch.eye(5, 64)
        model.model.norm.weight.fill_(1)
        for word, follower in {"a": "b", "b": "`", "<unk>": "</s>", "`": "a"}.items():
            model.lm_head.weight[words.index(follower), words.index(word)] = 9
    model.save_pretrained(tmp_path)
    settings = {"max_model_len": 32, "dtype": "float32", "enforce_eager": True, "max_num_seqs": 8}
    generate = vllm_generate(Translate(model=str(tmp_path), method="self", examples="x", engine=settings))
    done = generate(["a", "x", "a " * 40, "`"], 8, "`")
    assert [(completion.text.split(), completion.finish) for completion in done[:2]] == [(["b"], "stop"), ([], "end")]
    assert done[2] == Completion("", "error: prompt of 40 tokens, the model takes 32")
    assert done[3].text.split() == ["a", "b"]
    assert generate(["a"], 1, "`")[0].finish == "length"
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "llama"
