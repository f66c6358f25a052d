"""Likelihood of several continuations of one prompt, at little more than the cost of reading the prompt.

First pass: the prompt alone, asking for the log-probabilities of every candidate's first token. It fills the
engine's prefix cache, and is all that single letters need. Second pass, for candidates of more tokens: prompt and
candidate, of which only the blocks behind the cached prefix are computed; the log-probability of each token is read
from its row. A candidate that begins in a cached block (as two candidates with a long common beginning do) has no rows
there, so it is asked once more without the cache.

vLLM's two model runners return different rows: V1 one for every token of the prompt, with those of cached tokens empty;
V2 (the default on GPUs) only those of computed tokens. The last row is the last token's in both, so rows are counted
from the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Candidates:
    """A prompt and its continuations, as token ids."""

    prompt: list[int]
    choices: list[list[int]]


def choose(llm: Any, items: Sequence[Candidates], room: int) -> list[list[float] | None]:
    """Summed log-likelihood (nats) of every choice of every item; None where one does not fit into `room` tokens."""
    results: list[list[float] | None] = [None] * len(items)
    fitting = [i for i, item in enumerate(items) if len(item.prompt) + max(map(len, item.choices)) < room]
    for group in _groups(llm, items, fitting):
        firsts = _first_tokens(llm, [items[i] for i in group])
        rest = _other_tokens(llm, [items[i] for i in group])
        for index, first, other in zip(group, firsts, rest):
            results[index] = [a + b for a, b in zip(first, other)]
    return results


def _groups(llm: Any, items: Sequence[Candidates], indices: Sequence[int]) -> Iterator[list[int]]:
    """Groups whose prompts fit into half of the key-value cache, so that the second pass finds them there."""
    cache = llm.llm_engine.vllm_config.cache_config
    budget = max(1, (cache.num_gpu_blocks or 0) * cache.block_size // 2)
    group: list[int] = []
    used = 0
    for index in indices:
        cost = len(items[index].prompt) + cache.block_size
        if group and used + cost > budget:
            yield group
            group, used = [], 0
        group.append(index)
        used += cost
    if group:
        yield group


def _first_tokens(llm: Any, items: Sequence[Candidates]) -> list[list[float]]:
    """Log-probability of each choice's first token."""
    from vllm import SamplingParams

    # Limit of tokens in one request. An item with more of them asks several times, from the prefix cache.
    wanted = [(i, part) for i, item in enumerate(items) for part in _parts(sorted({c[0] for c in item.choices}))]
    how = [
        SamplingParams(temperature=0, max_tokens=1, detokenize=False, logprob_token_ids=ids, logprobs=len(ids))
        for _, ids in wanted
    ]
    outputs = llm.generate([{"prompt_token_ids": items[i].prompt} for i, _ in wanted], how, use_tqdm=False)
    rows: list[dict[int, float]] = [{} for _ in items]
    for (i, ids), output in zip(wanted, outputs):
        found = output.outputs[0].logprobs[0]
        rows[i] |= {token: found[token].logprob for token in ids}
    return [[row[choice[0]] for choice in item.choices] for item, row in zip(items, rows)]


def _parts(tokens: list[int]) -> list[list[int]]:
    from vllm.sampling_params import MAX_LOGPROB_TOKEN_IDS as limit

    return [tokens[start : start + limit] for start in range(0, len(tokens), limit)]


def _other_tokens(llm: Any, items: Sequence[Candidates]) -> list[list[float]]:
    """Sum of the log-probabilities of each choice's tokens but the first."""
    results = [[0.0] * len(item.choices) for item in items]
    longer = [(i, j) for i, item in enumerate(items) for j, choice in enumerate(item.choices) if len(choice) > 1]
    again = _tails(llm, items, longer, results, cached=True)
    _tails(llm, items, again, results, cached=False)
    return results


def _tails(
    llm: Any, items: Sequence[Candidates], pairs: list[tuple[int, int]], results: list[list[float]], cached: bool
) -> list[tuple[int, int]]:
    """Fill `results` for (item, choice) pairs. Returns the pairs with rows that the cache skipped."""
    from vllm import SamplingParams

    if not pairs:
        return []
    how = SamplingParams(
        temperature=0,
        max_tokens=1,
        detokenize=False,
        prompt_logprobs=0,
        flat_logprobs=True,
        skip_reading_prefix_cache=not cached,
    )
    prompts = [{"prompt_token_ids": items[i].prompt + items[i].choices[j]} for i, j in pairs]
    swallowed = []
    for (i, j), output in zip(pairs, llm.generate(prompts, how, use_tqdm=False)):
        start = len(items[i].prompt)
        # A token's row is computed with the token before it: the first that is needed stands at `start`.
        if (output.num_cached_tokens or 0) > start:
            swallowed.append((i, j))
            continue
        ids = items[i].choices[j]
        rows = output.prompt_logprobs
        results[i][j] = sum(rows[len(rows) - len(ids) + k][ids[k]].logprob for k in range(1, len(ids)))
    return swallowed
