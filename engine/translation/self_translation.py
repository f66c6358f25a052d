"""The student as its own translator (Self-Translate-Train, arXiv 2407.00454, sections 3.1 and 4.1).

Eight parallel examples show the task; the hypothesis is what the model writes up to the closing back-tick:

    en: `How many apples are left?`
    de: `Wie viele Äpfel sind übrig?`
    ...                                        (eight pairs)
    en: `It rains today.`
    de: `

A field is given whole, with its line breaks and the marks of its answer; long ones sentence by sentence. Each field
has its own examples and length limit. Prompts and parsing are pure functions; the model is a callable
`generate(prompts, max_tokens, stop)`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from polydistill.engine.config import FieldPrompts, Translate
from polydistill.engine.errors import UserError
from polydistill.engine.generation.prompting.tokenizer import Tokenizer
from polydistill.engine.generation.vllm_engine import offline_engine, throughput
from polydistill.engine.languages import get_language
from polydistill.engine.schema import FIELDS, Note
from polydistill.engine.translation.shots import Pair, Shots
from polydistill.engine.translation.translator import Hypothesis, Part, Portions, TokenCount

MARKS = frozenset({"<answer>", "</answer>"})
"""Spans that the model sees: its examples show that they are kept (see `engine.translation.marked_answers`)."""


class Completion(NamedTuple):
    """What the model wrote after a prompt."""

    text: str  # without the stop string
    finish: str  # "stop" (the stop string came), "end" (the end token came first), "length", or "error: ..."
    tokens: TokenCount = TokenCount()


Generate = Callable[[list[str], int, str], list[Completion]]


def prompt(text: str, source: str, target: str, pairs: Sequence[Pair]) -> str:
    """The few-shot prompt for one text. Back-ticks delimit, so those in texts become apostrophes."""
    names = get_language(source).locale, get_language(target).locale
    lines = [f"{name}: `{_plain(side)}`" for pair in pairs for name, side in zip(names, pair)]
    return "\n".join([*lines, f"{names[0]}: `{_plain(text)}`", f"{names[1]}: `"])


def parse(completion: Completion, source: str = "") -> Hypothesis:
    """The hypothesis in a completion: TRUNCATED at the token limit, NO_END without the closing back-tick.

    Line breaks are kept where the source has some.
    """
    if completion.finish.startswith(Note.ERROR):
        return Hypothesis(None, (completion.finish,))
    notes = {"stop": (), "length": (Note.TRUNCATED,)}.get(completion.finish, (Note.NO_END,))
    lines = [" ".join(line.split()) for line in completion.text.strip().split("\n")]
    text = "\n".join(lines) if "\n" in source else " ".join(line for line in lines if line)
    return Hypothesis(text, notes, tokens=completion.tokens)


class SelfTranslator:
    """The `Translator` of method `self`, for fields that share examples and limits."""

    def __init__(
        self,
        generate: Generate,
        pairs: Callable[[str, str], Sequence[Pair]],
        max_tokens: int = 512,
        whole_chars: int = 600,
    ) -> None:
        """Translate by `generate`.

        Args:
            generate: writes on behind prompts.
            pairs: (source, target) -> the examples of that direction.
            max_tokens: maximum length of a hypothesis.
            whole_chars: maximum length of a text that is given in one piece.
        """
        self._generate, self._pairs, self._max_tokens = generate, pairs, max_tokens
        self.portions = Portions(whole_chars, breaks=True, shown=MARKS)

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Translate sentence i from sources[i] to targets[i] (FLORES-200 codes)."""
        prompts = [
            prompt(sentence, source, target, self._pairs(source, target))
            for sentence, source, target in zip(sentences, sources, targets)
        ]
        completions = self._generate(prompts, self._max_tokens, "`") if prompts else []
        return [parse(completion, sentence) for completion, sentence in zip(completions, sentences)]


def load_self_translators(config: Translate, device: str = "cpu") -> list[Part]:
    """The translators that the configuration describes, run by one vLLM engine in this process.

    Raises:
        UserError: a model that vLLM cannot load, a GPU that is not there.
    """
    return self_translators(config, vllm_generate(config, device))


def self_translators(config: Translate, generate: Generate) -> list[Part]:
    """A translator for each group of fields with the same examples and limits."""
    shots = Shots(config.examples or "")
    limits: dict[str, FieldPrompts] = dict(config.fields.items())
    groups: dict[tuple[str, FieldPrompts], list[str]] = {}
    for field in FIELDS:
        groups.setdefault((shots.kind(field), limits.get(field, FieldPrompts())), []).append(field)
    return [
        Part(
            tuple(fields),
            SelfTranslator(
                generate,
                functools.partial(shots.pairs, kind),
                own.max_output_tokens or config.max_output_tokens,
                own.whole_chars,
            ),
        )
        for (kind, own), fields in groups.items()
    ]


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
    tokenizer: Tokenizer = engine.get_tokenizer()
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
            completions[row] = Completion(choice.text, finish, TokenCount(lengths[row], len(choice.token_ids)))
        return completions

    return generate


def _plain(text: str) -> str:
    return text.replace("`", "'")
