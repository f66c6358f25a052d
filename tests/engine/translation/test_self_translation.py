import json
from pathlib import Path

import pytest

from polydistill.engine.config import Translate
from polydistill.engine.errors import UserError
from polydistill.engine.translation.self_translation import (
    SelfTranslator,
    Written,
    parse,
    prompt,
    self_translators,
    vllm_generate,
)
from polydistill.engine.translation.translator import Hypothesis, Metered

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
        (Written("Es regnet.", "stop"), Hypothesis("Es regnet.")),
        (Written(" Es\nregnet ", "length"), Hypothesis("Es regnet", ("truncated",))),
        (Written("Es regnet.", "end"), Hypothesis("Es regnet.", ("no_end",))),
        (Written("", "error: prompt of 9 tokens"), Hypothesis(None, ("error: prompt of 9 tokens",))),
    ],
)
def test_completions(completion, expected):
    assert parse(completion) == expected


def test_translator_asks_once_for_all_and_keeps_the_order():
    asked = []

    def generate(prompts, max_tokens, stop):
        asked.append((len(prompts), max_tokens, stop))
        return [Written(text.split("`")[-3].upper() + text[-6:-4], "stop") for text in prompts]

    translator = SelfTranslator(generate, lambda source, target: PAIRS, max_tokens=99)
    hypotheses = translator(["one", "two"], ["eng_Latn"] * 2, ["deu_Latn", "jpn_Jpan"])
    assert asked == [(2, 99, "`")]
    assert [hypothesis.text[:3] for hypothesis in hypotheses] == ["ONE", "TWO"]
    assert [hypothesis.notes for hypothesis in hypotheses] == [(), ()]
    assert translator([], [], []) == []


def test_it_works_behind_the_stage_line_by_line(table_of):
    from polydistill.engine.translation.stage import TranslateStage

    generate = lambda prompts, *_: [Written(text.split("`")[-3].upper(), "stop") for text in prompts]  # noqa: E731
    translator = SelfTranslator(generate, lambda *_: PAIRS)
    stage = TranslateStage(Translate(model="the student"), translator=translator)
    result = stage(table_of("One. Use `x`.\n- Two. Three."), ["de"])
    assert result["mt_truth"].to_pylist() == ["ONE. USE `x`.\n- TWO. THREE."]


def test_a_field_is_given_whole_with_its_line_breaks(table_of):
    from polydistill.engine.translation.stage import TranslateStage

    asked = []

    def generate(prompts, *_):
        asked.extend(text.split("`")[-3] for text in prompts)
        return [Written(f" {text.split('`')[-3].upper()} ", "stop") for text in prompts]

    stage = TranslateStage(Translate(model="m"), translator=SelfTranslator(generate, lambda *_: PAIRS))
    answer = "She sold 48/2 = 24 clips.\nIn all 72.\n#### 72"
    made = stage(table_of(f"{answer}\n"), ["de"])
    assert made["mt_truth"].to_pylist() == ["SHE SOLD 48/2 = 24 CLIPS.\nIN ALL 72.\n#### 72\n"]
    assert answer in asked  # one prompt; before, each line had one
    asked.clear()
    stage = TranslateStage(Translate(model="m"), translator=SelfTranslator(generate, lambda *_: PAIRS, whole_chars=20))
    stage(table_of(answer, instruction=["It is so. It is not."]), ["de"])
    assert asked == ["It is so. It is not.", "She sold 48/2 = 24 clips.", "In all 72."]
    asked.clear()
    stage(table_of(answer, instruction=["It is so and so. It is not."]), ["de"])
    assert asked[:2] == ["It is so and so.", "It is not."]


def test_each_field_has_its_own_examples_limits_and_marks(tmp_path, table_of):
    """SQuAD as in the paper: marked sentences show what becomes of an answer's marks, questions are shorter."""
    from polydistill.engine.translation.stage import TranslateStage

    write = lambda name, pairs: (tmp_path / name).write_text("\n".join(f"{a}\t{b}" for a, b in pairs))  # noqa: E731
    write("eng_Latn-deu_Latn.tsv", PAIRS)
    write("eng_Latn-deu_Latn.instruction.tsv", [(f"Question {i}?", f"Frage {i}?") for i in range(8)])
    marked = [(f"It was <answer>{i}</answer>.", f"Es war <answer>{i}</answer>.") for i in range(8)]
    write("eng_Latn-deu_Latn.input.tsv", marked)
    asked = {}

    def generate(prompts, max_tokens, stop):
        for text in prompts:
            asked[text.split("`")[-3]] = (text.split("\n")[0], max_tokens)
        said = {"It ended in <answer>1990</answer> there.": "Es endete dort <answer>1990</answer>."}
        return [Written(said.get(text.split("`")[-3], "Ja"), "stop") for text in prompts]

    fields = {"instruction": {"max_output_tokens": 256}, "input": {"whole_chars": 0}}
    config = Translate(
        model="m", method="self", examples=str(tmp_path), mark_answers=True, fields=fields, max_output_tokens=512
    )
    stage = TranslateStage(config, translator=SelfTranslator(generate, lambda *_: PAIRS))
    parts = self_translators(config, generate)
    stage.parts = [(part.fields, Metered(part.translator)) for part in parts]
    assert [part.fields for part in parts] == [("instruction",), ("input",), ("truth", "self")]
    made = stage(
        table_of(
            "1990", instruction=["When did it end?"], input=["It ended in 1990 there. Yes."], self=["the year 1990"]
        ),
        ["de"],
    )
    assert (
        asked
        == {
            "When did it end?": ("en: `Question 0?`", 256),
            "It ended in <answer>1990</answer> there.": ("en: `It was <answer>0</answer>.`", 512),
            "Yes.": ("en: `It was <answer>0</answer>.`", 512),
            "1990": ("en: `Text 0.`", 512),
        }
        or "1990" not in asked
    )  # a number alone has no words and is kept
    assert made["mt_input"].to_pylist() == ["Es endete dort 1990. Ja"]
    assert made["mt_truth"].to_pylist() == ["1990"] and made["notes_truth"].to_pylist() == [[]]


def test_fields_belong_to_method_self():
    with pytest.raises(ValueError, match="method `seq2seq` takes no `fields`"):
        Translate(model="m", fields={"input": {"whole_chars": 0}})
    with pytest.raises(ValueError, match="Input should be 'instruction'"):
        Translate(model="m", method="self", examples="x", fields={"question": {}})


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
    assert done[2] == Written("", "error: prompt of 40 tokens, the model takes 32")
    assert done[3].text.split() == ["a", "b"]
    assert generate(["a"], 1, "`")[0].finish == "length"
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "llama"
