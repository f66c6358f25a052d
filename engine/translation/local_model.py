"""A language model in this process that translates by writing: what methods `self` and `chat` share."""

from collections.abc import Sequence
from typing import NamedTuple

from polydistill.engine import environment
from polydistill.engine.config import Translator
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.generation.prompting.tokens import Reading, reasoning_control
from polydistill.engine.generation.vllm_engine import offline_engine, throughput
from polydistill.engine.text.reasoning import cut_reasoning
from polydistill.engine.translation.translator import TokenCount


class Written(NamedTuple):
    """What a model wrote after a prompt."""

    text: str  # without the stop text
    finish: str  # "stop" (a stop text came), "end" (the end token came first), "length", or "error: ..."
    tokens: TokenCount = TokenCount()


class LocalModel:
    """The model of a translator in one vLLM engine."""

    def __init__(self, config: Translator, device: str) -> None:
        """Load the model.

        Raises:
            UserError: a model that vLLM cannot load, a GPU that is not there.
        """
        if device.startswith("cuda") and not environment.has_gpu():
            raise UserError(f"translation was asked to run on {device}, but there is no GPU here")
        environment.prepare()
        limits = throughput(environment.has_gpu(), sampled=config.temperature > 0)
        try:
            self._engine = offline_engine(model=config.model, **limits | config.engine)
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"translate.model: vLLM cannot load {config.model}: {error}") from error
        self.tokenizer: Tokenizer = self._engine.get_tokenizer()
        self._reading = Reading(control=reasoning_control(self.tokenizer))
        self._temperature = config.temperature
        self._longest = int(self._engine.model_config.max_model_len)

    def write(self, prompts: Sequence[Sequence[int]], max_tokens: int, stop: Sequence[str] = ()) -> list[Written]:
        """What the model writes after each prompt. One that is too long for it is not asked.

        Args:
            prompts: token ids.
            max_tokens: maximum length of a text, tokens.
            stop: texts that end one.
        """
        from vllm import SamplingParams

        longest = self._longest
        written = [Written("", f"error: prompt of {len(ids)} tokens, the model takes {longest}") for ids in prompts]
        rows = [row for row, ids in enumerate(prompts) if len(ids) < longest]
        settings = [
            SamplingParams(
                temperature=self._temperature,
                seed=0,
                max_tokens=min(max_tokens, longest - len(prompts[row])),
                stop=list(stop) or None,
                **self._reading.settings,
            )
            for row in rows
        ]
        given = [{"prompt_token_ids": prompts[row]} for row in rows]
        for row, output in zip(rows, self._engine.generate(given, settings, use_tqdm=False) if rows else ()):
            made = output.outputs[0]
            finish = "length" if made.finish_reason == "length" else "stop" if made.stop_reason in stop else "end"
            control = self._reading.control
            text = cut_reasoning(made.text, control)[0] if control else made.text
            written[row] = Written(text, finish, TokenCount(len(prompts[row]), len(made.token_ids)))
        return written
