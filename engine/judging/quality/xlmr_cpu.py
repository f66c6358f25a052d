"""XLM-R's layers on a CPU: no padding, oneDNN's matrix products, and no more of the last layer than is asked for.

What transformers computes for a padded batch is computed here for its tokens alone, one after the other:

    mask   1 1 1 1 1        hidden states of shape (tokens, width); every step but attention treats tokens alone.
           1 1 1 0 0   ->   0 0 0 0 0 1 1 1 2 2 2
           1 1 1 0 0        Attention runs over neighbors of equal length at once, so it needs no mask either.

Products go to oneDNN directly: `torch.nn.functional.linear` calls MKL, which on AMD's CPUs is at half their speed
(float32 on one core of an EPYC of 2024: 100 against 230 GFLOP/s). Both round differently, by about 1e-7.
"""

from collections.abc import Iterator
from functools import partial
from itertools import accumulate, groupby
from typing import Any, NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention


class Run(NamedTuple):
    """Neighbouring texts of one length: tokens start to stop of the batch are `texts` times `length`."""

    start: int
    stop: int
    texts: int
    length: int


def use_onednn(model: torch.nn.Module) -> None:
    """Have oneDNN compute every linear layer in `model`."""
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.forward = partial(linear, module=module)


def linear(states: torch.Tensor, module: Any, gelu: bool = False) -> torch.Tensor:
    """`module` (a torch.nn.Linear) and, if wanted, the exact GELU; by oneDNN in float32 on a CPU, else by PyTorch."""
    weight, bias = module.weight, module.bias
    if states.dtype == torch.float32 and states.device.type == "cpu" and torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._linear_pointwise(states, weight, bias, "gelu" if gelu else "none", [], "none")
    states = torch.nn.functional.linear(states, weight, bias)
    return torch.nn.functional.gelu(states) if gelu else states


def suits(model: torch.nn.Module) -> bool:
    """Whether `Packed` computes what this transformers model does: XLM-R, but not XL."""
    config: Any = model.config
    return config.model_type == "xlm-roberta" and config.hidden_act == "gelu"


class Packed:
    """The hidden states of a transformers XLMRobertaModel in evaluation mode."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.embeddings: Any = model.embeddings
        self.layers: Any = model.encoder.layer

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor, first: bool = False) -> tuple[torch.Tensor, ...]:
        """Hidden states after the embeddings and after each layer, each of shape (texts, length, width).

        Args:
            ids: token ids (texts, length), padded on the right. Texts of equal length should stand together.
            mask: which of them are no padding, bool (texts, length).
            first: give the first token's states only: (texts, 1, width).
        """
        lengths = mask.sum(1).tolist()
        runs = list(_runs(lengths))
        firsts = torch.tensor([0, *accumulate(lengths[:-1])])
        positions = self.embeddings.create_position_ids_from_input_ids(ids, self.embeddings.padding_idx)
        hidden = self.embeddings(ids[mask][None], position_ids=positions[mask][None])[0]

        def shaped(states: torch.Tensor) -> torch.Tensor:
            if first:
                return (states if len(states) == len(ids) else states[firsts])[:, None]
            padded = states.new_zeros(*mask.shape, states.shape[1])
            padded[mask] = states
            return padded

        result = [shaped(hidden)]
        for number, layer in enumerate(self.layers, 1):
            hidden = _layer(layer, hidden, runs, firsts if first and number == len(self.layers) else None)
            result.append(shaped(hidden))
        return tuple(result)


def _layer(layer: Any, hidden: torch.Tensor, runs: list[Run], only: torch.Tensor | None) -> torch.Tensor:
    """One layer's states from the last one's, (tokens, width); with `only`, those of these tokens, one of each text."""
    asked = hidden if only is None else hidden[only]
    own = layer.attention.self
    query, key, value = own.query(asked), own.key(hidden), own.value(hidden)
    context, done = torch.empty_like(query), 0
    for run in runs:
        count = run.stop - run.start if only is None else run.texts
        part = slice(done, done + count)
        seen = slice(run.start, run.stop)
        heads = [
            states.view(run.texts, -1, own.num_attention_heads, own.attention_head_size).transpose(1, 2)
            for states in (query[part], key[seen], value[seen])
        ]
        context[part] = scaled_dot_product_attention(*heads).transpose(1, 2).reshape(count, -1)
        done += count
    attention = layer.attention.output
    states = attention.LayerNorm(attention.dense(context).add_(asked))
    wide = linear(states, layer.intermediate.dense, gelu=True)
    return layer.output.LayerNorm(layer.output.dense(wide).add_(states))


def _runs(lengths: list[int]) -> Iterator[Run]:
    start = 0
    for length, equal in groupby(lengths):
        texts = len(list(equal))
        yield Run(start, start + texts * length, texts, length)
        start += texts * length
