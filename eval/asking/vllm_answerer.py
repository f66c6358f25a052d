"""Answers by vLLM: greedy generation, and the likelihood of candidates.

One process asks one model after another. A new engine for each model costs 2-3 s on a CPU once the libraries are
loaded. (vLLM's `reload_weights` takes milliseconds, but in 0.32 it leaves a tied output layer with the old model's
weights, so that the answers are a mixture of two models; measured, and not used.)
"""

import gc
import logging
import warnings
from collections.abc import Sequence

from polydistill.engine.config import Student
from polydistill.engine.environment import has_gpu, prepare
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.templates import SHOT_STOPS, STOPS, load_tokenizer
from polydistill.engine.generation.prompting.tokens import PromptTokens
from polydistill.engine.generation.vllm_engine import offline_engine, throughput
from polydistill.engine.text.reasoning import cut_reasoning
from polydistill.eval.asking.answerer import Asked
from polydistill.eval.asking.likelihood import Candidates, choose
from polydistill.eval.asking.prompt import choice_tokens, prompt_tokens
from polydistill.eval.question import Answer, Question


class Vllm:
    """One model in one vLLM engine."""

    def __init__(self, model: str, student: Student) -> None:
        """Load `model`; template, code trust and engine arguments are the student's.

        Raises:
            UserError: the model cannot be loaded.
        """
        prepare()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import vllm  # noqa: F401  (its import sets up the logging that is quieted next)

        _quiet()
        if not has_gpu():
            _no_compiler()
        self.template, self.cuts = student.prompt, student.reasoning == "cut"
        tokenizer = load_tokenizer(model, student.trust_remote_code)
        self.tokens = PromptTokens(tokenizer, student.prompt, student.template)
        self.reading = self.tokens.reading(self.cuts)
        arguments = engine_arguments(student)
        try:
            self.llm = offline_engine(model=model, trust_remote_code=student.trust_remote_code, **arguments)
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"{model}: vLLM cannot load it ({str(error).splitlines()[0]})") from error
        self.room = int(self.llm.llm_engine.vllm_config.model_config.max_model_len)

    def __call__(self, asked: Asked, /) -> list[Answer]:
        """Answers in order. A prompt beyond the model's context is not asked: its answer says "too_long"."""
        questions, shots = asked.questions, asked.shots
        prompts = prompt_tokens(questions, shots, self.tokens)
        answers = [Answer(finish="too_long")] * len(questions)
        open_ = [i for i, q in enumerate(questions) if not q.choices and len(prompts[i]) < self.room]
        if open_:
            ends = [*asked.stop, *(SHOT_STOPS if shots else STOPS)[self.template]]
            found = self._generate([prompts[i] for i in open_], asked.max_tokens, ends)
            for index, answer in zip(open_, found):
                answers[index] = answer
        closed = [i for i, question in enumerate(questions) if question.choices]
        if closed:
            items = [Candidates(prompts[i], choice_tokens(questions[i], shots, self.tokens)) for i in closed]
            for index, item, scores in zip(closed, items, choose(self.llm, items, self.room)):
                answers[index] = chosen(questions[index], scores, tuple(map(len, item.choices)))
        return answers

    def _generate(self, prompts: list[list[int]], max_tokens: int, stop: Sequence[str]) -> list[Answer]:
        from vllm import SamplingParams

        how = [
            SamplingParams(
                temperature=0,
                max_tokens=min(max_tokens, self.room - len(ids)),
                stop=list(stop) or None,
                logprobs=0,
                **self.reading.settings,
            )
            for ids in prompts
        ]
        outputs = self.llm.generate([{"prompt_token_ids": ids} for ids in prompts], how, use_tqdm=False)
        answers = []
        for output in outputs:
            found = output.outputs[0]
            count = len(found.token_ids)
            logprob = None if found.cumulative_logprob is None or not count else found.cumulative_logprob / count
            finish = str(found.finish_reason)
            text = cut_reasoning(found.text, self.reading.control)[0] if self.cuts else found.text.strip()
            answers.append(Answer(text, logprob=logprob, tokens=count, finish=finish))
        return answers

    def close(self) -> None:
        """Free the engine's memory."""
        del self.llm
        gc.collect()
        if has_gpu():  # what torch keeps for itself would be missing to the next engine, or to a training
            import torch

            torch.cuda.empty_cache()


def chosen(question: Question, scores: Sequence[float] | None, lengths: tuple[int, ...] = ()) -> Answer:
    """The most likely candidate (the first of equals), each divided by the question's `parts` where it has some."""
    if scores is None:
        return Answer(finish="too_long")
    values = [s / p for s, p in zip(scores, question.parts)] if question.parts else list(scores)
    choice = max(range(len(values)), key=values.__getitem__)
    return Answer(question.choices[choice], choice, tuple(scores), lengths, finish="choice")


def engine_arguments(student: Student) -> dict[str, object]:
    """vLLM's engine arguments: those of self-generation, what evaluation adds, and the student's own.

    A CPU engine gets blocks of 32 tokens instead of 128: prefixes are shared block by block.
    """
    from vllm.sampling_params import MAX_LOGPROB_TOKEN_IDS

    cpu = {} if has_gpu() else {"max_num_batched_tokens": 4096, "block_size": 32, "enforce_eager": True}
    always = {"max_logprobs": MAX_LOGPROB_TOKEN_IDS}  # of the first tokens of a question's choices
    quiet = {"use_tqdm_on_load": False, "disable_log_stats": True}
    return throughput(has_gpu()) | cpu | quiet | student.engine | always


def _quiet() -> None:
    """No page of start-up warnings for each model; errors still show."""
    for name in ("vllm", "torch._library"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _no_compiler() -> None:
    """Keep torch from compiling vLLM's small log-probability kernel on a CPU: 15 s of C++ for nothing."""
    import torch._dynamo

    torch._dynamo.config.disable = True
