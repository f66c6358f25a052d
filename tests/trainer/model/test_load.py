"""What is done to a student before it is trained, and which students are refused."""

from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from polydistill.engine.errors import UserError
from polydistill.trainer.config import Lora, Train
from polydistill.trainer.model.load import _adapted, _compile_layers, _fit_vocabulary, _quantized

ROWS = 40


def llama(tied: bool = False) -> LlamaForCausalLM:
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=ROWS, tie_word_embeddings=tied, **shape))


def tokens(count: int) -> Any:
    """A tokenizer, of which only the size is read."""
    return range(count)


def test_a_tokenizer_of_another_model_is_refused() -> None:
    with pytest.raises(UserError, match=r"my/model: the tokenizer has 50 tokens, the model's embeddings only 40"):
        _fit_vocabulary(llama(), tokens(50), (), "my/model")


def test_a_smaller_tokenizer_changes_nothing() -> None:
    model, before = llama(), llama().state_dict()
    _fit_vocabulary(model, tokens(30), (), "x")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("tied", [False, True])
def test_new_tokens_take_spare_rows_and_new_ones_as_means(tied: bool) -> None:
    """Rows 38 and 39 are to spare; 40 and 41 are made."""
    model, before = llama(tied), llama(tied)
    _fit_vocabulary(model, tokens(42), [38, 39, 40, 41], "x")
    for name in ("get_input_embeddings", "get_output_embeddings"):
        now, old = getattr(model, name)().weight, getattr(before, name)().weight
        assert now.shape[0] == 42 and torch.equal(now[:38], old[:38])
        assert torch.allclose(now[38], old[:38].mean(0), atol=1e-6) and torch.equal(now[38], now[39])
        assert torch.allclose(now[40:], old.mean(0), atol=0.02)


def test_adapters_for_layers_that_are_not_there() -> None:
    with pytest.raises(UserError, match=r"train\.lora\.layers \['query'\]: .* Linear layers here: .*q_proj"):
        _adapted(llama(), Train(lora=Lora(layers=["query"])))


def test_adapters_alone_are_trained_and_new_tokens_with_them() -> None:
    lora = Lora(rank=2, layers=["q_proj"])
    plain = {name for name, p in _adapted(llama(), Train(lora=lora)).named_parameters() if p.requires_grad}
    assert plain and all(".q_proj.lora_" in name for name in plain)
    more = _adapted(llama(), Train(lora=lora, new_tokens=["<new>"])).named_parameters()
    saved = {name for name, p in more if p.requires_grad} - plain
    assert {name.split(".modules_to_save")[0].rpartition(".")[2] for name in saved} == {"embed_tokens", "lm_head"}


def test_quantization_only_where_it_is_asked_for() -> None:
    assert _quantized(None, torch.float32) == _quantized(Lora(), torch.float32) == {}


def test_a_model_without_layers_cannot_be_compiled() -> None:
    model = llama()
    model.model.layers = torch.nn.Sequential(*model.model.layers)
    with pytest.raises(UserError, match=r"train\.compile: .*Leave it out"):
        _compile_layers(model)
