"""Quality estimation with COMET checkpoints, in our own batches.

COMET's own `predict()` starts a Trainer for every call, sorts by the source's characters only, which leaves half of a
batch of real pairs padding, and cannot be trusted with several GPUs. Here its modules are called directly, on
token-budget batches, longest first, with identical pairs scored once; on a CPU
`engine.judging.quality.xlmr_cpu` computes the encoder.
Scores equal unmodified COMET's (tests/engine/judging/quality/test_comet.py has them on record).

COMET: Rei et al. 2020 (arXiv 2009.09025); CometKiwi: Rei et al. 2022 (arXiv 2209.06243).
"""

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch

from polydistill.engine.errors import UserError
from polydistill.engine.judging.quality.comet_checkpoint import Encoder, checkpoint
from polydistill.engine.judging.quality.xlmr_cpu import Packed, suits, use_onednn
from polydistill.engine.models.batching import run_batches

logger = logging.getLogger(__name__)


class Comet:
    """A COMET model that scores (source, hypothesis[, reference]) triples."""

    def __init__(self, model: torch.nn.Module, device: str, dtype: str, batch_tokens: int) -> None:
        self.model = model.eval().to(device)
        self.encoder: Encoder = model.encoder
        self.encoder.model.to(getattr(torch, dtype))
        if device == "cpu":
            use_onednn(model)
            self.encoder.packed = Packed(self.encoder.model) if suits(self.encoder.model) else None
            # CometKiwi reads the first token only; normalizing a layer needs all of them.
            self.encoder.first_only = self.joint and not model.hparams.layer_norm
        self.device, self.batch_tokens = device, batch_tokens
        self.start, self.end = self.encoder.tokenizer.cls_token_id, self.encoder.tokenizer.sep_token_id

    @classmethod
    def load(
        cls,
        path: str,
        encoder: str | None = None,
        device: str = "cpu",
        dtype: str = "float32",
        batch_tokens: int = 8192,
    ) -> "Comet":
        """Load a COMET checkpoint.

        Args:
            path, encoder: see `checkpoint`.
            device: torch device.
            dtype: arithmetic of the encoder; pooling and regression head always run in float32.
            batch_tokens: tokens (padding included) of one forward pass.

        Raises:
            UserError: see `checkpoint`.
        """
        return cls(checkpoint(path, encoder), device, dtype, batch_tokens)

    @property
    def joint(self) -> bool:
        """Whether the texts go through the encoder together, in one sequence (CometKiwi), or each by itself."""
        return self.model.hparams.class_identifier == "unified_metric"

    @property
    def requires_references(self) -> bool:
        """Whether the model only works with references (wmt22-comet-da does)."""
        return bool(self.model.requires_references())

    def score(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None = None
    ) -> np.ndarray:
        """Score each hypothesis; float32 of shape (rows,), on the scale COMET itself gives (usually about 0..1).

        NaN where a text could not be scored (a failed judge is not a low score); where none could, the error is raised.

        Texts beyond the encoder's length (512 tokens for a pair) are cut as COMET does it; `overlong` tells which.
        """
        if self.requires_references and references is None:
            raise UserError("this COMET model needs references: it evaluates, it cannot judge a pool")
        columns = [hypotheses, sources] + ([references] if references is not None else [])
        rows = list(zip(*columns))
        unique = {row: index for index, row in enumerate(dict.fromkeys(rows))}
        if not unique:
            return np.zeros(0, np.float32)
        tokens = self._tokens([text for row in unique for text in row])
        width = len(columns)
        triples = [tokens[i : i + width] for i in range(0, len(tokens), width)]
        with torch.inference_mode():
            scores = self._joint(triples) if self.joint else self._separate(triples)
        return scores[[unique[row] for row in rows]]

    def overlong(self, sources: Sequence[str], hypotheses: Sequence[str]) -> np.ndarray:
        """Which pairs are longer than the encoder reads, so that their score does not see their end: bool (rows,)."""
        room = self.encoder.max_positions - 4
        result = np.zeros(len(sources), bool)
        # A token covers at least one character, so only long texts need counting.
        rows = [i for i, pair in enumerate(zip(sources, hypotheses)) if len(pair[0]) + len(pair[1]) >= room // 2]
        if rows:
            texts = [sources[i] for i in rows] + [hypotheses[i] for i in rows]
            lengths = np.array([len(ids) for ids in self._ids(texts)]).reshape(2, -1)
            result[rows] = (lengths.sum(0) if self.joint else lengths.max(0)) > room
        return result

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        """Token ids without special tokens, each text cut at COMET's limit."""
        limit = self.encoder.max_positions - 4  # COMET: max_positions - 2, of which two are special tokens
        return [ids[:limit] for ids in self._ids(texts)]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        """Token ids without special tokens, whole."""
        if not self.encoder.tokenizer.is_fast:
            return self.encoder.tokenizer(texts, add_special_tokens=False).input_ids
        backend = self.encoder.tokenizer.backend_tokenizer  # without offsets it takes two thirds of the time
        backend.no_truncation()
        backend.no_padding()
        return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]

    def _joint(self, triples: list[list[list[int]]]) -> np.ndarray:
        """UnifiedMetric: hypothesis and source (and reference) in one sequence; with references three views' mean."""
        segments = self.model.hparams.input_segments
        order = {"mt": 0, "src": 1, "ref": 2}
        used = [order[name] for name in segments if order[name] < len(triples[0])]
        views = [used] if len(used) < 3 else [[0, 1], [0, 2], [0, 1, 2]]
        scores = np.zeros(len(triples), np.float32)
        for view in views:
            sequences = [self._join([triple[i] for i in view]) for triple in triples]
            scores += self._run(sequences, lambda ids, mask: self.model(ids, mask).score)[:, 0]
        return scores / len(views)

    def _separate(self, triples: list[list[list[int]]]) -> np.ndarray:
        """Regression metrics: each text encoded alone (identical ones once), the head sees their combination."""
        keys = [[tuple(ids) for ids in triple] for triple in triples]
        index = {key: i for i, key in enumerate(dict.fromkeys(key for row in keys for key in row))}
        sequences = [self._join([list(key)]) for key in index]
        vectors = torch.from_numpy(self._run(sequences, self.model.get_sentence_embedding)).to(self.device)
        rows = torch.tensor([[index[key] for key in row] for row in keys], device=self.device)
        scores = []
        for part in rows.split(4096):
            mt, src, *ref = (vectors[part[:, i]] for i in range(part.shape[1]))
            if self.requires_references:
                scores.append(self.model.estimate(src, mt, ref[0]).score)
            else:
                features = torch.cat((mt, src, mt * src, (mt - src).abs()), dim=1)
                scores.append(self.model.estimator(features).view(-1))
        return torch.cat(scores).float().cpu().numpy()

    def _join(self, segments: list[list[int]]) -> list[int]:
        """<s> a </s></s> b </s> ..., cut at the encoder's length."""
        sequence = [self.start, *segments[0], self.end]
        for segment in segments[1:]:
            sequence += [self.end, *segment, self.end]
        return sequence[: self.encoder.max_positions]

    def _run(self, sequences: list[list[int]], call: Callable[..., torch.Tensor]) -> np.ndarray:
        """`call(ids, mask)` over token-budget batches: float32 (sequences, values each), NaN where it failed."""
        lengths = np.array([len(sequence) for sequence in sequences])
        failed: list[Exception] = []
        results: np.ndarray | None = None
        work = lambda rows: call(*self._pad([sequences[i] for i in rows])).float().cpu().numpy()  # noqa: E731
        for rows, values in run_batches(work, lengths, self.batch_tokens):
            if isinstance(values, Exception):
                failed.append(values)
                continue
            if results is None:
                results = np.full((len(sequences), *values.shape[1:]), np.nan, np.float32)
            results[rows] = values
        if results is None:
            raise failed[0]  # nothing worked: the device or the model, not a row
        if failed:
            logger.warning("%d of %d texts could not be scored, e.g. %r", len(failed), len(sequences), failed[0])
        return results.reshape(len(sequences), -1)

    def _pad(self, batch: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, batch))
        ids = torch.full((len(batch), width), self.encoder.tokenizer.pad_token_id)
        for row, sequence in enumerate(batch):
            ids[row, : len(sequence)] = torch.tensor(sequence)
        mask = torch.arange(width)[None, :] < torch.tensor([len(sequence) for sequence in batch])[:, None]
        return ids.to(self.device), mask.to(self.device)
