"""Quality estimation with COMET checkpoints, under transformers 5 and in our own batches.

COMET's own `predict()` starts a Trainer for every call, sorts by source characters only and cannot be trusted with
several GPUs; here its modules are loaded once and called directly, on token-budget batches, longest first, with
identical pairs scored once. Scores equal unmodified COMET's (tests/engine/test_quality.py has them on record).

COMET: Rei et al. 2020 (arXiv 2009.09025); CometKiwi: Rei et al. 2022 (arXiv 2209.06243).
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from comet.encoders import str2encoder
from comet.encoders.base import Encoder as CometEncoder
from comet.encoders.xlmr import XLMREncoder
from comet.models import str2model
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from engine.batching import run_batches
from engine.errors import UserError

logger = logging.getLogger(__name__)

SUPPORTED = ("unified_metric", "referenceless_regression_metric", "regression_metric")


class Encoder(XLMREncoder):
    """COMET's XLM-R encoder (also XLM-R XL and InfoXLM) for transformers 5.

    Two things changed there: the tokenizer lost `build_inputs_with_special_tokens`, and the model returns no empty
    pooler output. Weights always come from the COMET checkpoint, so only the configuration and tokenizer are read.
    """

    def __init__(self, pretrained_model: str, *_: Any) -> None:
        super(CometEncoder, self).__init__()
        self.tokenizer = _tokenizer(pretrained_model)
        self.tokenizer.build_inputs_with_special_tokens = self._with_special_tokens
        config = AutoConfig.from_pretrained(pretrained_model)
        self.model = AutoModel.from_config(config, add_pooling_layer=False, dtype=torch.float32)

    @classmethod
    def from_pretrained(cls, pretrained_model: str, *arguments: Any) -> "Encoder":
        """COMET's constructor; `arguments` (load weights, local files only) do not apply."""
        return cls(pretrained_model, *arguments)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> dict[str, Any]:
        """Hidden states of all layers, in float32 whatever the encoder's dtype: the heads stay exact."""
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        layers = tuple(layer.float() for layer in output.hidden_states)
        return {
            "sentemb": layers[-1][:, 0, :],
            "wordemb": layers[-1],
            "all_layers": layers,
            "attention_mask": attention_mask,
        }

    def _with_special_tokens(self, first: list[int], second: list[int] | None = None) -> list[int]:
        start, end = [self.tokenizer.cls_token_id], [self.tokenizer.sep_token_id]
        return start + first + end + (end + second + end if second is not None else [])


def _tokenizer(name: str) -> Any:
    """XLM-R's tokenizer as its tokenizer.json says.

    transformers 5's XLMRobertaTokenizer takes only the vocabulary from that file and puts its own pipeline around it,
    which cuts some texts differently (tabs, for one) from transformers 4, for which COMET was written.
    """
    special = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    try:
        return PreTrainedTokenizerFast.from_pretrained(name, **special)
    except ValueError:  # only a SentencePiece model: convert it
        return AutoTokenizer.from_pretrained(name)


str2encoder.update({"XLM-RoBERTa": Encoder, "XLM-RoBERTa-XL": Encoder})


class Comet:
    """A COMET model that scores (source, hypothesis[, reference]) triples."""

    def __init__(self, model: torch.nn.Module, device: str, dtype: str, batch_tokens: int) -> None:
        self.model = model.eval().to(device)
        self.encoder: Encoder = model.encoder
        self.encoder.model.to(getattr(torch, dtype))
        self.device, self.batch_tokens = device, batch_tokens

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
            path: folder in COMET's layout (hparams.yaml, checkpoints/model.ckpt or model.safetensors) or hub id.
            encoder: folder or hub id of the encoder's configuration and tokenizer; default: the folder `encoder`
                in `path` where there is one, else the hub id that the checkpoint names.
            device: torch device.
            dtype: arithmetic of the encoder; pooling and regression head always run in float32.
            batch_tokens: tokens (padding included) of one forward pass.

        Raises:
            UserError: nothing usable at `path`, or a kind of model that is not supported.
        """
        folder = _folder(path)
        hparams = _hparams(folder)
        bundled = folder / "encoder"
        name = encoder or (str(bundled) if bundled.is_dir() else hparams["pretrained_model"])
        kind = str2model[hparams["class_identifier"]]
        known = inspect.signature(kind.__init__).parameters
        settings = {key: value for key, value in hparams.items() if key in known}
        settings |= {"pretrained_model": name, "load_pretrained_weights": False}
        try:
            model = kind(**settings)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path}: its encoder {name!r} cannot be loaded ({error}). Without internet, set judge.quality.encoder "
                "to a local folder with the encoder's config.json and tokenizer."
            ) from error
        # Buffers and metrics (dropout masks, running correlations) may differ between COMET versions; weights may not.
        missing = model.load_state_dict(_weights(folder), strict=False).missing_keys
        lost = [key for key in missing if key in dict(model.named_parameters())]
        if lost:
            raise UserError(f"{path}: the checkpoint lacks {len(lost)} weights of the model, e.g. {lost[0]}")
        return cls(model, device, dtype, batch_tokens)

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
        joint = self.model.hparams.class_identifier == "unified_metric"
        with torch.inference_mode():
            scores = self._joint(triples) if joint else self._separate(triples)
        return scores[[unique[row] for row in rows]]

    def overlong(self, sources: Sequence[str], hypotheses: Sequence[str]) -> np.ndarray:
        """Which pairs are longer than the encoder reads, so that their score does not see their end: bool (rows,)."""
        room = self.encoder.max_positions - 4
        result = np.zeros(len(sources), bool)
        # A token covers at least one character, so only long texts need counting.
        rows = [i for i, pair in enumerate(zip(sources, hypotheses)) if len(pair[0]) + len(pair[1]) >= room // 2]
        if rows:
            texts = [sources[i] for i in rows] + [hypotheses[i] for i in rows]
            ids = self.encoder.tokenizer(texts, add_special_tokens=False).input_ids
            lengths = np.array([len(text) for text in ids]).reshape(2, -1)
            joint = self.model.hparams.class_identifier == "unified_metric"
            result[rows] = (lengths.sum(0) if joint else lengths.max(0)) > room
        return result

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        """Token ids without special tokens, each text cut at COMET's limit."""
        limit = self.encoder.max_positions - 4  # COMET: max_positions - 2, of which two are special tokens
        return self.encoder.tokenizer(texts, add_special_tokens=False, truncation=True, max_length=limit).input_ids

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
        start, end = self.encoder.tokenizer.cls_token_id, self.encoder.tokenizer.sep_token_id
        sequence = [start, *segments[0], end]
        for segment in segments[1:]:
            sequence += [end, *segment, end]
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


def _folder(path: str) -> Path:
    """The local folder of a checkpoint given as a folder, its model.ckpt, or a hub id."""
    local = Path(path)
    if local.is_file():
        return local.parent.parent
    if local.exists():
        return local
    if path.startswith((".", "/")) or path.count("/") != 1:
        raise UserError(f"{path}: no such COMET checkpoint (expected a folder with hparams.yaml, or a hub id)")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(path))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise UserError(f"{path}: not on this machine and not to be had from the hub ({error})") from error


def _hparams(folder: Path) -> dict[str, Any]:
    file = folder / "hparams.yaml"
    try:
        hparams = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); a COMET checkpoint has one") from error
    except yaml.YAMLError as error:
        raise UserError(f"{file}: not plain YAML: {error}") from error
    kind = hparams.get("class_identifier")
    if kind not in SUPPORTED:
        raise UserError(f"{file}: class_identifier {kind!r} is not supported (supported: {', '.join(SUPPORTED)})")
    if hparams["encoder_model"] not in ("XLM-RoBERTa", "XLM-RoBERTa-XL"):
        raise UserError(f"{file}: encoder_model {hparams['encoder_model']!r} is not supported (only XLM-RoBERTa[-XL])")
    # "sparsemax_patch" is how checkpoints say "softmax" since COMET 2.2.4 (Unbabel/COMET#244).
    if hparams.get("layer_transformation") == "sparsemax_patch":
        hparams["layer_transformation"] = "softmax"
    return hparams


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    """Tensors of the checkpoint; nothing in it is executed."""
    safe, pickled = folder / "checkpoints" / "model.safetensors", folder / "checkpoints" / "model.ckpt"
    if safe.is_file():
        from safetensors.torch import load_file

        return load_file(safe)
    if not pickled.is_file():
        raise UserError(f"{folder}: neither checkpoints/model.safetensors nor checkpoints/model.ckpt is there")
    import pickle

    try:
        return torch.load(pickled, map_location="cpu", weights_only=True, mmap=True)["state_dict"]
    except (pickle.UnpicklingError, KeyError, RuntimeError) as error:
        raise UserError(
            f"{pickled}: not a COMET checkpoint of plain tensors ({str(error).splitlines()[0]}). It is never unpickled "
            "with code in it; where you trust it, convert its state_dict to checkpoints/model.safetensors."
        ) from error
