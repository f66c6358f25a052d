"""The student as its own translator (Self-Translate-Train, arXiv 2407.00454, sections 3.1 and 4.1).

Eight parallel examples show the task; the hypothesis is what the model writes up to the closing back-tick:

    en: `How many apples are left?`
    de: `Wie viele Äpfel sind übrig?`
    ...                                        (eight pairs)
    en: `It rains today.`
    de: `

Prompts and parsing are pure functions; the model is a callable `generate(prompts, max_tokens, stop)`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from polydistill.engine.config import Translate
from polydistill.engine.errors import UserError
from polydistill.engine.generation.vllm_engine import offline_engine, throughput
from polydistill.engine.languages import get_language
from polydistill.engine.schema import Note
from polydistill.engine.translation.translator import Hypothesis

SHOTS = 8
Pair = tuple[str, str]  # source, target


class Completion(NamedTuple):
    """What the model wrote after a prompt."""

    text: str  # without the stop string
    finish: str  # "stop" (the stop string came), "end" (the end token came first), "length", or "error: ..."


Generate = Callable[[list[str], int, str], list[Completion]]


def prompt(text: str, source: str, target: str, pairs: Sequence[Pair]) -> str:
    """The few-shot prompt for one text. Back-ticks delimit, so those in texts become apostrophes."""
    names = get_language(source).locale, get_language(target).locale
    lines = [f"{name}: `{_plain(side)}`" for pair in pairs for name, side in zip(names, pair)]
    return "\n".join([*lines, f"{names[0]}: `{_plain(text)}`", f"{names[1]}: `"])


def parse(completion: Completion) -> Hypothesis:
    """The hypothesis in a completion: TRUNCATED at the token limit, NO_END without the closing back-tick."""
    if completion.finish.startswith(Note.ERROR):
        return Hypothesis(None, (completion.finish,))
    notes = {"stop": (), "length": (Note.TRUNCATED,)}.get(completion.finish, (Note.NO_END,))
    return Hypothesis(" ".join(completion.text.split()), notes)


class SelfTranslator:
    """The `Translator` of method `self`."""

    whole = 600
    """Maximum characters of a line that is translated in one piece, as the paper does with fields. Longer ones
    sentence by sentence, as it does with SQuAD's contexts."""

    def __init__(self, generate: Generate, pairs: Callable[[str, str], list[Pair]], max_tokens: int = 512) -> None:
        """`pairs(source, target)` gives the examples of a direction."""
        self.generate, self.pairs, self.max_tokens = generate, pairs, max_tokens

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Translate sentence i from sources[i] to targets[i] (FLORES-200 codes)."""
        prompts = [
            prompt(sentence, source, target, self.pairs(source, target))
            for sentence, source, target in zip(sentences, sources, targets)
        ]
        return [parse(completion) for completion in self.generate(prompts, self.max_tokens, "`")] if prompts else []


def example_pairs(folder: str) -> Callable[[str, str], list[Pair]]:
    """The first eight pairs of <source>-<target>.tsv in `folder` (or of the other direction's file), per direction.

    Raises (the returned function):
        UserError: no such file, or fewer than eight pairs in it.
    """

    @cache
    def pairs(source: str, target: str) -> list[Pair]:
        forward, backward = (Path(folder) / f"{a}-{b}.tsv" for a, b in ((source, target), (target, source)))
        path = forward if forward.is_file() or not backward.is_file() else backward
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise UserError(
                f"translate.examples: {forward} cannot be read ({error.strerror}). Self-translation needs eight "
                f"example pairs for each direction, one 'source TAB target' a line."
            ) from error
        split = [line.split("\t") for line in lines]
        found = [
            (cells[0].strip(), cells[1].strip()) for cells in split if len(cells) == 2 and all(map(str.strip, cells))
        ]
        if len(found) < SHOTS:
            raise UserError(f"translate.examples: {path} has {len(found)} pairs, self-translation needs {SHOTS}")
        return [pair if path == forward else (pair[1], pair[0]) for pair in found[:SHOTS]]

    return pairs


def load_self_translator(config: Translate, device: str = "cpu") -> SelfTranslator:
    """The translator that the configuration describes, run by vLLM in this process.

    Raises:
        UserError: a model that vLLM cannot load, a GPU that is not there, examples that are missing.
    """
    return SelfTranslator(vllm_generate(config, device), example_pairs(config.examples or ""), config.max_output_tokens)


def vllm_generate(config: Translate, device: str = "cpu") -> Generate:
    """`generate` by a vLLM engine, greedy. Prompts of a direction share their examples, which vLLM caches."""
    from polydistill.engine import environment

    if device.startswith("cuda") and not environment.has_gpu():
        raise UserError(f"self-translation was asked to run on {device}, but there is no GPU here")
    environment.prepare()
    from vllm import SamplingParams

    try:
        engine = offline_engine(model=config.model, **throughput(environment.has_gpu()) | config.engine)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"translate.model: vLLM cannot load {config.model}: {error}") from error
    tokenizer: Any = engine.get_tokenizer()
    longest = engine.model_config.max_model_len

    def generate(prompts: list[str], max_tokens: int, stop: str) -> list[Completion]:
        lengths = [len(ids) for ids in tokenizer(prompts)["input_ids"]]
        completions = [
            Completion("", f"error: prompt of {length} tokens, the model takes {longest}") for length in lengths
        ]
        rows = [row for row, length in enumerate(lengths) if length < longest]
        settings = [
            SamplingParams(temperature=0.0, max_tokens=min(max_tokens, longest - lengths[row]), stop=[stop])
            for row in rows
        ]
        outputs = engine.generate([prompts[row] for row in rows], settings, use_tqdm=False) if rows else []
        for row, output in zip(rows, outputs):
            choice = output.outputs[0]
            finish = "length" if choice.finish_reason == "length" else "stop" if choice.stop_reason == stop else "end"
            completions[row] = Completion(choice.text, finish)
        return completions

    return generate


def _plain(text: str) -> str:
    return text.replace("`", "'")
