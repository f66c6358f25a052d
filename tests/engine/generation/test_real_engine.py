"""A real vLLM engine: where answers end, and why."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from polydistill.engine.config import Student
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.generation.stage import Reader, reading, sampling
from polydistill.engine.generation.vllm_engine import offline_engine, throughput

WORDS = ["<unk>", "</s>", "Question", " Paris.", "\n\n###", " Instruction:\nName a city in Spain."]
WORDS += ["Riddle", "[THINK]", " Hm.", "[/THINK]", " Rome.", "Where?", " Lima.", "<|user|>"]


@pytest.fixture
def base_model(tmp_path: Path) -> str:
    """A base model without end: it answers, and goes on with the next instruction for ever. To a riddle it thinks."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex("Question|\\s+|\\S+"), "isolated")
    backend.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    tokenizer.save_pretrained(tmp_path)
    size = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = LlamaConfig(
        vocab_size=len(WORDS), head_dim=64, num_key_value_heads=1, max_position_embeddings=64, eos_token_id=1, **size
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.model.embed_tokens.weight[: len(WORDS)] = torch.eye(len(WORDS), 64)
        model.model.norm.weight.fill_(1)
        chain = [(0, 3), (2, 3), (3, 4), (4, 5), (5, 3), (6, 7), (7, 8), (8, 9), (9, 10), (10, 1), (11, 12), (12, 13)]
        for word, follower in chain:
            model.lm_head.weight[follower, word] = 9
    model.generation_config.eos_token_id = [1, 13]
    model.save_pretrained(tmp_path)
    return str(tmp_path)


@pytest.mark.slow
def test_a_base_model_stops_where_the_next_instruction_begins_and_the_context_is_told_from_max_tokens(
    base_model: str,
) -> None:
    """ " Paris.\\n\\n### Instruction:\\nName a city in Spain." was kept whole; a cut by the context was not marked."""
    limits = throughput(gpu=False, sampled=True) | {"max_num_seqs": 4, "max_num_batched_tokens": 16}
    engine = offline_engine(
        model=base_model, dtype="float32", max_model_len=16, enforce_eager=True, disable_log_stats=True, **limits
    )

    def answered(prompt: int, **settings: Any) -> Candidate:
        from vllm import SamplingParams

        student = Student(model=base_model, **settings)
        read = reading(student)
        how = SamplingParams(**sampling(student, 0) | read.settings)
        output = engine.generate([{"prompt_token_ids": [prompt]}], how, use_tqdm=False)
        made = output[0].outputs[0]
        rows = pa.table(
            {
                "generated_text": [made.text],
                "generated_tokens": [list(made.token_ids)],
                "__inference_error__": [""],
            }
        )
        ((one,),) = Reader(student, read).candidates(rows)
        return one

    def answer(**settings: Any) -> tuple[str, str, int]:
        one = answered(2, **settings)
        return one.text, one.finish, one.tokens

    assert answer(max_tokens=8) == ("Paris.", "stop", 2)
    run_on = "Paris.\n\n### Instruction:\nName a city in Spain. Paris."
    assert answer(max_tokens=4, stop=[]) == (run_on, "length", 4)
    text, finish, tokens = answer(max_tokens=99, stop=[])
    assert text.startswith(run_on) and finish == "context" and tokens == 15  # 16 with the prompt
    # The engine leaves control tokens out of its text, and with them the mark between reasoning and answer.
    thought = answered(6, max_tokens=99)
    assert (thought.text, thought.reasoning, thought.finish) == ("Rome.", "Hm.", "stop")
    assert (answered(6, max_tokens=2).text, answered(6, max_tokens=2).finish) == ("", "reasoning")
    assert answered(6, max_tokens=99, reasoning="keep").text == "Hm. Rome."
    # The engine also ends an answer where generation_config.json says so, at the next turn for example.
    located = answered(11, max_tokens=9)
    assert (located.text, located.finish, located.tokens) == ("Lima.", "stop", 2)
    # Seven prompts of nine tokens are more than the engine reads at once. vLLM failed where it read a part of one.
    from vllm import SamplingParams

    student = Student(model=base_model, temperature=1.0, max_tokens=2, stop=[])
    how = [SamplingParams(**sampling(student, seed)) for seed in range(7)]
    outputs = engine.generate([{"prompt_token_ids": [2] * 2 + [i % 6] * 7} for i in range(7)], how, use_tqdm=False)
    assert [len(output.outputs[0].token_ids) for output in outputs] == [2] * 7
