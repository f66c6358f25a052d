"""Sums over the rows of vLLM's two model runners: V1 returns all of the prompt's, V2 those of computed tokens."""

from types import SimpleNamespace
from typing import Any

import pytest

from polydistill.eval.asking.likelihood import Candidates, choose

BLOCK = 4


def logprob(ids: list[int], position: int) -> float:
    """A pretended model: the log-probability of the token at `position` depends on it and the token before."""
    return -(0.5 + (7 * ids[position] + 3 * ids[position - 1] + position) % 11)


class Engine:
    """Prefix cache and prompt_logprobs in the shapes of one runner."""

    def __init__(self, runner: str) -> None:
        cache = SimpleNamespace(num_gpu_blocks=1000, block_size=BLOCK)
        self.llm_engine = SimpleNamespace(vllm_config=SimpleNamespace(cache_config=cache))
        self.runner, self.cached = runner, set[tuple[int, ...]]()

    def generate(self, prompts: list[dict[str, list[int]]], how: Any, use_tqdm: bool) -> list[Any]:
        settings = how if isinstance(how, list) else [how] * len(prompts)
        return [self._one(prompt["prompt_token_ids"], one) for prompt, one in zip(prompts, settings)]

    def _one(self, ids: list[int], how: Any) -> Any:
        blocks = [tuple(ids[: end + BLOCK]) for end in range(0, len(ids) - BLOCK + 1, BLOCK)]
        hit = 0
        if not how.skip_reading_prefix_cache:
            while hit < len(blocks) and blocks[hit] in self.cached and BLOCK * (hit + 1) < len(ids):
                hit += 1
        self.cached.update(blocks)
        cached = BLOCK * hit
        rows: Any = None
        if how.prompt_logprobs is not None:
            rows = [{ids[k]: SimpleNamespace(logprob=logprob(ids, k))} for k in range(cached + 1, len(ids))]
            # The first row is of a token without a prediction; V1 has empty rows for the cached tokens as well.
            rows = [None] * (cached + 1 if self.runner == "V1" else 1) + rows
        wanted = how.logprob_token_ids or []
        first = {token: SimpleNamespace(logprob=logprob([*ids, token], len(ids))) for token in wanted}
        output = SimpleNamespace(logprobs=[first])
        return SimpleNamespace(outputs=[output], prompt_logprobs=rows, num_cached_tokens=cached)


@pytest.mark.parametrize("runner", ["V1", "V2"])
def test_likelihoods_are_the_sums_over_each_candidates_tokens(runner: str) -> None:
    items = [
        Candidates(list(range(20, 31)), [[1, 2, 3], [4], [1, 2, 5, 6]]),
        Candidates(list(range(20, 28)), [[28, 29, 30, 31, 32, 33], [28, 29, 30, 31, 40, 41]]),  # share a cached block
        Candidates([9, 8, 7], [[5, 6], [7, 7, 7, 7, 7, 7, 7, 7, 7]]),
    ]
    found = choose(Engine(runner), items, room=100)
    for item, scores in zip(items, found):
        for choice, score in zip(item.choices, scores or []):
            whole = item.prompt + choice
            wanted = sum(logprob(whole, k) for k in range(len(item.prompt), len(whole)))
            assert score == pytest.approx(wanted)
    assert choose(Engine(runner), items[:1], room=12) == [None]
