"""From a mixture to tokens: sharded Arrow files that ranks memory-map.

    out/tokens/000000.arrow    one sample each: `tokens` (prompt, response, end), `prompt` (tokens of it that are the
                               prompt), `subset` (number), `validation`, `id`
    out/tokens/manifest.json   shards, subsets, counts, what was dropped and why, fingerprint

Text is data: "</s>" inside an instruction is tokenized as those four characters and never becomes control.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from polydistill.engine import seeds
from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.generation.templates import Template, render
from polydistill.engine.mixing.mixture import Mixture
from polydistill.engine.storage.fingerprint import fingerprint as digest
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder, Shard, check_shard, read_shard, read_table, write_table
from polydistill.trainer.identity import mixture_content
from polydistill.trainer.records import SubsetFigures, TokensPart, TokensRecord

TOKENS = pa.schema(
    [
        pa.field("tokens", pa.list_(pa.int32())),
        pa.field("prompt", pa.int32()),
        pa.field("subset", pa.int16()),
        pa.field("validation", pa.bool_()),
        pa.field("id", pa.string()),
    ]
)
_MARK = "POLYDISTILLQUESTION"


@dataclass(frozen=True)
class Recipe:
    """What decides how rows become tokens; part of the tokens' fingerprint."""

    template: Template
    max_tokens: int
    too_long: str
    validation: float
    seed: int


def tokenize(table: pa.Table, tokenizer: Any, subsets: list[str], how: Recipe) -> tuple[pa.Table, Counter[str]]:
    """MIXTURE rows to TOKENS rows, and how many were left out or cut, by reason.

    The prompt is `engine.generation.templates.render`, the answer is the response and the end token. Prompt and
    answer are
    tokenized as one text where that leaves the prompt's own tokens unchanged, as at inference; otherwise apart.
    """
    counts: Counter[str] = Counter()
    rows = table.select(["id", "subset", "instruction", "input", "response"]).to_pydict()
    prompts = [render(how.template, i, n or "", tokenizer) for i, n in zip(rows["instruction"], rows["input"])]
    samples = _encode(prompts, rows, tokenizer, how.template)
    number = {name: index for index, name in enumerate(subsets)}
    held = seeds.uniform(how.seed, rows["id"], "validation") < how.validation
    kept, tokens, starts = [], [], []
    for index, (prompt, answer) in enumerate(samples):
        if not rows["response"][index]:
            counts["no_answer"] += 1
            continue
        length = len(prompt) + len(answer)
        if length > how.max_tokens:
            if how.too_long == "drop" or len(prompt) + 1 > how.max_tokens:
                counts["too_long"] += 1
                continue
            answer = answer[: how.max_tokens - len(prompt)]
            counts["truncated"] += 1
        kept.append(index)
        tokens.append(prompt + answer)
        starts.append(max(len(prompt), 1))  # nothing predicts the very first token
    columns = {
        "tokens": tokens,
        "prompt": starts,
        "subset": [number[rows["subset"][i]] for i in kept],
        "validation": held[kept] if kept else [],
        "id": [rows["id"][i] for i in kept],
    }
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in TOKENS}, schema=TOKENS), counts


def _encode(
    prompts: list[str], rows: dict[str, list[str]], tokenizer: Any, template: Template
) -> list[tuple[list[int], list[int]]]:
    """(prompt tokens, answer tokens with the end token) of each row."""
    end = [tokenizer.eos_token_id]
    # A chat template writes its own begin token.
    options: dict[str, Any] = {"add_special_tokens": template != "chat", "return_attention_mask": False}
    control = _control(tokenizer)
    texts = [i + (n or "") + (r or "") for i, n, r in zip(rows["instruction"], rows["input"], rows["response"])]
    plain = [not any(mark in text for mark in control) for text in texts]
    usual = [index for index, is_plain in enumerate(plain) if is_plain]
    result: list[tuple[list[int], list[int]]] = [([], [])] * len(prompts)
    if usual:
        answers = [rows["response"][i] or "" for i in usual]
        alone = tokenizer([prompts[i] for i in usual], **options)["input_ids"]
        whole = tokenizer([prompts[i] + answer for i, answer in zip(usual, answers)], **options)["input_ids"]
        for index, prompt, both, answer in zip(usual, alone, whole, answers):
            prompt, both = _open(prompt, end), _open(both, end)
            tail = both[len(prompt) :] if both[: len(prompt)] == prompt else _literal(answer, tokenizer)
            result[index] = (prompt, tail + end)
    for index, is_plain in enumerate(plain):
        if not is_plain:
            prompt = _prompt_with_marks(prompts[index], rows, index, tokenizer, template)
            result[index] = (prompt, _literal(rows["response"][index] or "", tokenizer) + end)
    return result


def _open(tokens: list[int], end: list[int]) -> list[int]:
    """Without the end token that some tokenizers add by themselves."""
    return tokens[:-1] if tokens[-1:] == end and len(tokens) > 1 else tokens


def _literal(text: str, tokenizer: Any) -> list[int]:
    """Tokens of `text` as data: nothing in it is read as a control token."""
    for mark in _control(tokenizer):
        # Only those marked as special are left alone by split_special_tokens; break the others up by hand.
        if mark in text and mark not in tokenizer.all_special_tokens:
            left, _, right = text.partition(mark)
            return [token for piece in (left, mark[0], mark[1:], right) for token in _literal(piece, tokenizer)]
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] if text else []


def _control(tokenizer: Any) -> list[str]:
    """Texts that the tokenizer would turn into control tokens, longest first."""
    added = [str(token) for token in tokenizer.get_added_vocab() if re.fullmatch(r"<.+>|\[.+\]", str(token))]
    return sorted({*added, *tokenizer.all_special_tokens} - {""}, key=len, reverse=True)


def _prompt_with_marks(
    prompt: str, rows: dict[str, list[str]], index: int, tokenizer: Any, template: Template
) -> list[int]:
    """Tokens of a prompt whose question holds text that looks like a special token."""
    if template != "chat":
        begin = _open(tokenizer("", add_special_tokens=True)["input_ids"] + [-1], [-1])
        return _open(begin, [tokenizer.eos_token_id]) * bool(begin) + _literal(prompt, tokenizer)
    before, _, after = render("chat", _MARK, "", tokenizer).partition(_MARK)
    question = prompt.removeprefix(before).removesuffix(after)
    if before + question + after != prompt:
        raise UserError(f"row {rows['id'][index]}: the chat template changes the question; it cannot be kept as data")
    control = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (before, after)]
    return control[0] + _literal(question, tokenizer) + control[1]


def fingerprint(mixture: Mixture, tokenizer: Any, how: Recipe) -> str:
    """16 hex digits that change when the tokens would."""
    model = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else sorted(tokenizer.get_vocab().items())
    return digest([mixture_content(mixture.record), model, tokenizer.chat_template, tokenizer.eos_token_id, vars(how)])


def write_part(mixture: Mixture, tokens: Folder, tokenizer: Any, how: Recipe, rank: int, ranks: int, key: str) -> None:
    """Tokenize the mixture's shards rank, rank + ranks, ...: a shard already there whole under `key` is kept.

    Raises:
        DamagedError: a shard of the mixture is missing or is not what was written.
    """
    for index in range(rank, len(mixture.record.shards), ranks):
        name, record = f"{index:06}.arrow", f"{index:06}.json"
        if _is_there(tokens, record, key):
            continue
        table, counts = tokenize(
            read_shard(mixture.folder, mixture.record.shards[index]), tokenizer, list(mixture.record.weights), how
        )
        write_record(tokens, record, TokensPart(key, write_table(tokens, name, table), dict(counts)))


def _is_there(tokens: Folder, record: str, key: str) -> bool:
    if not tokens.exists(record):
        return False
    try:
        part = read_record(tokens, record, TokensPart)
        if part.fingerprint != key:
            return False
        check_shard(tokens, part.shard)
    except DamagedError:
        return False
    return True


def write_manifest(mixture: Mixture, tokens: Folder, key: str) -> TokensRecord:
    """Gather the parts' records into the manifest, and say what is wrong with the data as a whole."""
    parts = [read_record(tokens, f"{index:06}.json", TokensPart) for index in range(len(mixture.record.shards))]
    dropped = sum((Counter(part.counts) for part in parts), Counter())
    shards = tuple(part.shard for part in parts)
    record = TokensRecord(key, shards, mixture.record.weights, dict(sorted(dropped.items())), {})
    samples = Samples.open(tokens, record)
    trained = ~samples.validation
    figures = {
        name: SubsetFigures(
            samples=int((trained & (samples.subset == index)).sum()),
            answer_tokens=int(samples.answer[trained & (samples.subset == index)].sum()),
            validation_samples=int((samples.validation & (samples.subset == index)).sum()),
        )
        for index, name in enumerate(mixture.record.weights)
    }
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items()) or "nothing was dropped"
    if not trained.any():
        raise UserError(f"{mixture.folder.root}: no sample is left to train on ({reasons})")
    empty = [name for name, figure in figures.items() if not figure.samples]
    if empty:
        raise UserError(
            f"{mixture.folder.root}: no sample is left of subset {', '.join(empty)} ({reasons}). "
            "Raise train.max_tokens, or set train.too_long=truncate, or leave the subset out of the recipe."
        )
    record = replace(record, figures=figures)
    write_record(tokens, "manifest.json", record)
    return record


@dataclass(frozen=True)
class Samples:
    """All samples, memory-mapped; small columns as arrays over all shards."""

    flat: list[np.ndarray]  # one int32 array of tokens for each shard
    shard: np.ndarray  # by sample: which of them
    start: np.ndarray  # by sample: its first token there
    length: np.ndarray  # tokens
    prompt: np.ndarray  # tokens of the prompt
    subset: np.ndarray
    validation: np.ndarray
    place: Folder
    files: list[Shard]

    @property
    def answer(self) -> np.ndarray:
        """Answer tokens (the supervised ones) by sample."""
        return self.length - self.prompt

    def tokens(self, sample: int) -> np.ndarray:
        """int32 tokens of one sample: a view into the mapped file."""
        start = self.start[sample]
        return self.flat[self.shard[sample]][start : start + self.length[sample]]

    def rows(self) -> np.ndarray:
        """By sample: the row that it was made of, as a number; samples of one row are its variants (uint64)."""
        ids = (read_table(self.place, file.path, ["id"])["id"].to_pylist() for file in self.files)
        return np.concatenate([seeds.row_bits(some) for some in ids])

    def row_id(self, sample: int) -> str:
        """The mixture's row id, for messages."""
        shard = int(self.shard[sample])
        first = int(np.searchsorted(self.shard, shard))
        return read_table(self.place, self.files[shard].path, ["id"])["id"][sample - first].as_py()

    @classmethod
    def open(cls, place: Folder, record: TokensRecord) -> "Samples":
        """Map the token shards of a record.

        Raises:
            DamagedError: a shard is missing or is not what was written.
        """
        files = list(record.shards)
        flat, starts, columns = [], [], []
        for file in files:
            table = read_shard(place, file).combine_chunks()
            lists = table["tokens"].combine_chunks() if table.num_rows else pa.array([], TOKENS.field("tokens").type)
            lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
            offsets = lists.offsets.to_numpy().astype(np.int64)
            flat.append(lists.values.to_numpy())
            starts.append((offsets[:-1], np.diff(offsets)))
            columns.append([table[name].to_numpy() for name in ("prompt", "subset", "validation")])
        join = np.concatenate
        return cls(
            flat=flat,
            shard=join([np.full(len(s[0]), i, dtype=np.int32) for i, s in enumerate(starts)]),
            start=join([s[0] for s in starts]),
            length=join([s[1] for s in starts]),
            prompt=join([c[0] for c in columns]).astype(np.int64),
            subset=join([c[1] for c in columns]).astype(np.int64),
            validation=join([c[2] for c in columns]).astype(bool),
            place=place,
            files=files,
        )
