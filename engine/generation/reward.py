"""Rewards: how good the answers to a question are, by a model that was trained on people's or models' preferences.

A reward model is a sequence classifier with one output. Where its tokenizer has a chat template, it reads question and
answer as a conversation; otherwise as a pair of texts. Only the order of rewards for one question means something.

A quality-estimation model is none: it says how well a text is translated, not how well a question is answered.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from polydistill.engine.config import Reward
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.conversation import Conversation, Message, answered
from polydistill.engine.generation.prompting.templates import load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.engine.generation.selection import Candidate
from polydistill.engine.models.batching import run_batches


class RewardModel:
    """A reward model, loaded."""

    def __init__(self, config: Reward) -> None:
        """Load it.

        Raises:
            UserError: it is no reward model, cannot be loaded, or is to run on a GPU that is not there.
        """
        import torch
        from transformers import AutoModelForSequenceClassification

        check_reward_model(config.model)
        self._device = "cuda" if config.gpus else "cpu"
        if config.gpus and not torch.cuda.is_available():
            raise UserError("student.reward.gpus: the reward model was asked to run on a GPU, but there is none here")
        self._tokenizer = load_tokenizer(config.model)
        try:
            model = AutoModelForSequenceClassification.from_pretrained(config.model, dtype=getattr(torch, config.dtype))
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"student.reward.model: {config.model} cannot be loaded ({error})") from error
        self._model: Any = model.eval().to(self._device)
        self._batch_tokens = config.batch_tokens
        self._room = int(getattr(model.config, "max_position_embeddings", 0) or 1 << 30)
        self._chat = PromptTokens(self._tokenizer, "chat") if self._tokenizer.chat_template else None
        self._behind = self._rest() if self._chat else []

    def rated(
        self, prompts: Sequence[Conversation], candidates: Sequence[Sequence[Candidate]]
    ) -> list[list[Candidate]]:
        """The candidates with their rewards. A cut or missing one, and one that the model cannot read, has none."""
        places = [(row, n) for row, some in enumerate(candidates) for n, one in enumerate(some) if one.usable]
        ids = [self._ids(prompts[row], candidates[row][n].text) for row, n in places]
        rated = [list(some) for some in candidates]
        for (row, n), reward in zip(places, self._rewards(ids)):
            rated[row][n] = replace(rated[row][n], reward=None if np.isnan(reward) else float(reward))
        return rated

    def _rewards(self, ids: list[list[int]]) -> np.ndarray:
        """Reward of each sequence: float64 (n,); NaN where it is too long for the model, or the model failed."""
        rewards = np.full(len(ids), np.nan)
        fits = np.array([row for row, own in enumerate(ids) if len(own) <= self._room], np.int64)
        for batch, values in run_batches(
            lambda rows: self._batch([ids[fits[row]] for row in rows]),
            np.array([len(ids[row]) for row in fits], np.int64),
            self._batch_tokens,
        ):
            if not isinstance(values, Exception):
                rewards[fits[batch]] = values
        return rewards

    def _batch(self, ids: list[list[int]]) -> np.ndarray:
        import torch

        width = max(map(len, ids))
        # Classifiers look for the last token that is no padding, so padding may be no token of a text.
        used = {token for own in ids for token in own}
        self._model.config.pad_token_id = filler = next(token for token in range(len(used) + 1) if token not in used)
        padded = torch.tensor([own + [filler] * (width - len(own)) for own in ids], device=self._device)
        mask = torch.tensor([[1] * len(own) + [0] * (width - len(own)) for own in ids], device=self._device)
        with torch.inference_mode():
            return self._model(input_ids=padded, attention_mask=mask).logits[:, 0].float().cpu().numpy()

    def _ids(self, prompt: Conversation, answer: str) -> list[int]:
        if self._chat is None:
            return self._tokenizer("\n\n".join(turn.text for turn in prompt), answer)["input_ids"]
        (sample,) = self._chat.sample_ids([answered(prompt, answer)])
        return sample.ids + self._behind

    def _rest(self) -> list[int]:
        """Ids that the chat template writes behind the end of the last turn; reward models have read them."""
        assert self._chat is not None
        turns = [Message("user", "Which?"), Message("assistant", "This.")]
        (sample,) = self._chat.sample_ids([turns])
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        whole = self._tokenizer.apply_chat_template(messages, return_dict=False)
        return whole[len(sample.ids) :] if whole[: len(sample.ids)] == sample.ids else []


def check_reward_model(name: str, folder: Path | None = None) -> None:
    """Look at a model's configuration.

    Args:
        name: path or hub id.
        folder: where the model lies, where that is known.

    Raises:
        UserError: it is a quality-estimation model, or no sequence classifier with one output.
    """
    from transformers import AutoConfig

    where = Path(folder or name)
    if (where / "hparams.yaml").is_file():
        raise UserError(
            f"student.reward.model: {name} is a quality-estimation model, which scores translations and no answers. "
            "Expected a reward model"
        )
    try:
        config = AutoConfig.from_pretrained(str(folder or name))
    except (OSError, ValueError) as error:
        raise UserError(f"student.reward.model: {name} has no configuration ({str(error).splitlines()[0]})") from error
    kind = (getattr(config, "architectures", None) or ["model"])[0]
    if "ForSequenceClassification" not in kind or config.num_labels != 1:
        raise UserError(
            f"student.reward.model: {name} is a {kind} with {config.num_labels} outputs. Expected a reward model: a "
            "sequence classifier with one"
        )
