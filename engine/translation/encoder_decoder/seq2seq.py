"""Sentence translation by an encoder-decoder model (NLLB, M2M-100, MADLAD, mBART-50, Marian) in CTranslate2."""

import ctypes
import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from polydistill.engine.config import Translate
from polydistill.engine.errors import UserError
from polydistill.engine.languages import get_language
from polydistill.engine.models.batching import run_batches
from polydistill.engine.schema import Note
from polydistill.engine.text.segment import halves
from polydistill.engine.translation.encoder_decoder.conversion import converted, model_folder, vocabulary
from polydistill.engine.translation.encoder_decoder.language_tokens import language_tokens
from polydistill.engine.translation.translator import SENTENCES, Hypothesis, TokenCount, error

Tokens = list[str]


class Seq2Seq:
    """A `Translator`: notes TRUNCATED where the token limit was reached, NO_END where the end token did not come.

    The result is a function of the arguments: batches are formed in a fixed order. Floating-point sums differ
    between batches of different shape, so the same sentence in other company may, rarely, come out otherwise.
    """

    portions = SENTENCES

    def __init__(self, config: Translate, device: str = "cpu", cache: str | None = None) -> None:
        """Load the model, converting it first if needed.

        Raises:
            UserError: no such model, no such device, or a compute type that the device does not have.
        """
        from transformers import AutoTokenizer

        kind, index = _device(device)
        _check_compute_type(config.compute_type, kind)
        import ctranslate2

        folder = model_folder(config.model)
        model = converted(folder, config.compute_type, cache)
        workers = _workers(config.threads) if kind == "cpu" else 1
        self.translator = ctranslate2.Translator(
            str(model),
            device=kind,
            device_index=index,
            compute_type=config.compute_type,
            inter_threads=workers,  # on a CPU, batches side by side are faster than one batch on many cores
            intra_threads=1 if kind == "cpu" else 0,
        )
        self.config, self.workers, self.best = config, workers, config.hypotheses
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise UserError(f"{folder}: its tokenizer cannot be loaded: {error}") from error
        self.end: str = self.tokenizer.eos_token
        self.unknown: str = self.tokenizer.unk_token or "<unk>"
        # A dictionary is faster than the tokenizer's own look-up; the slow tokenizers keep theirs to themselves.
        self._numbers: dict[str, int] = self.tokenizer.get_vocab() if self.tokenizer.is_fast else {}
        self.languages = language_tokens(folder, vocabulary(model))
        positions = json.loads((folder / "config.json").read_text()).get("max_position_embeddings") or 1024
        self.max_input = min(config.max_input_tokens, positions - 2) - 2  # language token and end token
        self.max_output = min(config.max_output_tokens, positions - 2)

    def check(self, sources: set[str], targets: set[str]) -> None:
        """Raise UserError for the first language that the model cannot address."""
        self.languages.check(sources, targets)

    def limit(self, lengths: np.ndarray) -> np.ndarray:
        """Maximum hypothesis length for a source length, tokens: a power of two, so a batch shares one limit.

        A hypothesis that grows beyond four times its source is a loop; letting it run to the model's
        maximum would hold up its whole batch.
        """
        wanted = 4 * np.asarray(lengths) + 32
        return np.minimum(2 ** np.ceil(np.log2(wanted)).astype(np.int64), self.max_output)

    def __call__(self, sentences: list[str], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Translate sentence i from sources[i] to targets[i] (FLORES-200 codes); see the class."""
        self.check(set(sources), set(targets))
        tokens = self._tokenize(sentences)
        split = {text: self._parts(text, own) for text, own in tokens.items() if len(own) > self.max_input}
        if not split:
            return self._decode([tokens[text] for text in sentences], sources, targets)
        parts = [split.get(text) or [(tokens[text], "")] for text in sentences]
        owners = [row for row, own in enumerate(parts) for _ in own]
        done = iter(
            self._decode(
                [piece for own in parts for piece, _ in own],
                [sources[row] for row in owners],
                [targets[row] for row in owners],
            )
        )
        return [_join([next(done) for _ in own], own, target) for own, target in zip(parts, targets)]

    def _tokenize(self, sentences: list[str]) -> dict[str, Tokens]:
        """Tokens of each distinct sentence, without language and end tokens."""
        distinct = list(dict.fromkeys(sentences))
        if not distinct:
            return {}
        # "</s>" in a text is text, not an end (split_special_tokens).
        if self.tokenizer.is_fast:
            backend = self.tokenizer.backend_tokenizer
            backend.encode_special_tokens = True
            backend.no_truncation()
            backend.no_padding()
            encoded = backend.encode_batch(distinct, add_special_tokens=False)
            return dict(zip(distinct, (encoding.tokens for encoding in encoded)))
        ids = self.tokenizer(distinct, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return dict(zip(distinct, map(self.tokenizer.convert_ids_to_tokens, ids)))

    def _parts(self, sentence: str, tokens: Tokens) -> list[tuple[Tokens, str]]:
        """The sentence's tokens, or those of its parts where it is too long, and what follows each."""
        if len(tokens) <= self.max_input or len(sentence) < 2:
            return [(tokens[: self.max_input], "")]
        left, gap, right = halves(sentence)
        known = self._tokenize([left, right])
        first, second = self._parts(left, known[left]), self._parts(right, known[right])
        return [*first[:-1], (first[-1][0], gap or " "), *second]

    def _decode(self, rows: list[Tokens], sources: list[str], targets: list[str]) -> list[Hypothesis]:
        """Run the model over tokenized sentences."""
        hypotheses: list[Hypothesis] = [Hypothesis(None)] * len(rows)
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)) + 2
        limits = self.limit(lengths)

        def run(batch: np.ndarray) -> list[Hypothesis]:
            numbers = batch.tolist()
            before = self.languages.before
            inputs = [[*before(sources[row], targets[row]), *rows[row], self.end] for row in numbers]
            return self._translate(
                inputs, [self.languages.prefix(targets[row]) for row in numbers], int(limits[batch[0]])
            )

        # One worker more than the model runs batches at a time: the next one waits while texts are made of the last.
        batches = run_batches(run, lengths, self.config.batch_tokens, groups=limits, workers=self.workers + 1)
        for batch, result in batches:
            if isinstance(result, Exception):
                hypotheses[batch[0]] = error(f"{type(result).__name__}: {result}")
                continue
            for row, hypothesis in zip(batch.tolist(), result):
                hypotheses[row] = hypothesis
        return hypotheses

    def _translate(self, inputs: list[Tokens], prefixes: list[Tokens], limit: int) -> list[Hypothesis]:
        """One batch through the model, all with the same limit on the hypothesis' tokens."""
        results = self.translator.translate_batch(
            inputs,
            target_prefix=prefixes if prefixes[0] else None,
            beam_size=self.config.beam,
            max_input_length=0,  # CTranslate2 cuts at 1,024 without a word otherwise; `_parts` has seen to the length
            max_decoding_length=limit,
            return_end_token=True,
            num_hypotheses=self.best,
        )
        skip = len(prefixes[0])
        hypotheses = [tokens for result in results for tokens in result.hypotheses]
        ids = [self._ids(tokens[skip:]) for tokens in hypotheses]
        notes = [self._notes(tokens, limit) for tokens in hypotheses]
        texts = self.tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        counts = [len(result.hypotheses) for result in results]
        read = [len(own) for own, count in zip(inputs, counts) for _ in range(count)]
        made = [
            Hypothesis(text.strip(), own, tokens=TokenCount(length, len(tokens) - skip))
            for text, own, length, tokens in zip(texts, notes, read, hypotheses)
        ]
        return made if self.best == 1 else _ranked(made, counts)

    def _notes(self, tokens: Tokens, limit: int) -> tuple[str, ...]:
        """What a hypothesis' tokens, as the model wrote them, say about it."""
        notes: tuple[str, ...] = ()
        if tokens[-1:] != [self.end]:
            notes = (Note.TRUNCATED if len(tokens) >= limit else Note.NO_END,)
        return (*notes, Note.UNKNOWN_TOKEN) if self.unknown in tokens else notes

    def _ids(self, tokens: Tokens) -> list[int]:
        if not self._numbers:
            return self.tokenizer.convert_tokens_to_ids(tokens)
        return [self._numbers[token] for token in tokens if token in self._numbers]


def _ranked(hypotheses: list[Hypothesis], counts: list[int]) -> list[Hypothesis]:
    """The first hypothesis of each sentence, with its other ones that say something else.

    Args:
        hypotheses: of all sentences, best first within each.
        counts: how many each sentence has.
    """
    ranked: list[Hypothesis] = []
    start = 0
    for count in counts:
        own: dict[str | None, Hypothesis] = {}
        for made in hypotheses[start : start + count]:
            own.setdefault(made.text, made)
        first, *rest = own.values()
        ranked.append(replace(first, others=tuple(rest)))
        start += count
    return ranked


def _join(done: list[Hypothesis], parts: list[tuple[Tokens, str]], target: str) -> Hypothesis:
    """One sentence's hypothesis from those of its parts."""
    if len(done) == 1:
        return done[0]
    notes = sorted({note for part in done for note in part.notes})
    if any(part.text is None for part in done):
        return Hypothesis(None, tuple(note for note in notes if note.startswith(Note.ERROR)))
    spaced = get_language(target).writing.space_between_sentences
    text = "".join(f"{part.text}{gap if spaced else ''}" for part, (_, gap) in zip(done, parts))
    used = sum((part.tokens for part in done), TokenCount())
    return Hypothesis(text.strip(), tuple(notes), tokens=used)  # too long to be put together from next best parts


def _workers(threads: int) -> int:
    return threads or int(os.environ.get("OMP_NUM_THREADS") or min(4, len(os.sched_getaffinity(0))))


def _device(device: str) -> tuple[str, int]:
    """ "cuda:1" -> ("cuda", 1). A GPU that is asked for and not there is an error, never a slow CPU run."""
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda"):
        raise UserError(f"device {device!r}: expected cpu, cuda or cuda:N")
    if kind == "cuda":
        _load_cublas()
        import ctranslate2

        count = ctranslate2.get_cuda_device_count()
        if count <= int(index or 0):
            raise UserError(
                f"translation was asked to run on {device}, but CTranslate2 sees {count} GPUs here "
                "(driver missing, or CUDA_VISIBLE_DEVICES hides them). It does not fall back to the CPU: "
                "repair that, or run with device cpu."
            )
    return kind, int(index or 0)


def _load_cublas() -> None:
    """CTranslate2's wheels look for CUDA 12's cuBLAS, which PyTorch for CUDA 13 no longer brings."""
    spec = importlib.util.find_spec("nvidia.cublas") if importlib.util.find_spec("nvidia") else None
    for place in (spec.submodule_search_locations or []) if spec else []:
        for library in ("libcublasLt.so.12", "libcublas.so.12"):
            path = Path(place) / "lib" / library
            if path.exists():
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def _check_compute_type(compute_type: str, kind: str) -> None:
    import ctranslate2

    known = {"default", "auto", *ctranslate2.get_supported_compute_types(kind)}
    if compute_type not in known:
        raise UserError(
            f"translate.compute_type {compute_type!r} is not supported on this {kind}. "
            f"Supported: {', '.join(sorted(known))}"
        )
