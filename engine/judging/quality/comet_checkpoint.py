"""COMET checkpoints under transformers 5: COMET's own models and heads around an encoder that runs there."""

import inspect
from pathlib import Path
from typing import Any

import torch
import yaml
from comet.encoders import str2encoder
from comet.encoders.base import Encoder as CometEncoder
from comet.encoders.xlmr import XLMREncoder
from comet.models import str2model
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from polydistill.engine.errors import UserError
from polydistill.engine.files.hub import snapshot
from polydistill.engine.judging.quality.xlmr_cpu import Packed

HPARAMS = "hparams.yaml"
SUPPORTED = ("unified_metric", "referenceless_regression_metric", "regression_metric")


class Encoder(XLMREncoder):
    """COMET's XLM-R encoder (also XLM-R XL and InfoXLM) for transformers 5.

    Two things changed there: the tokenizer lost `build_inputs_with_special_tokens`, and the model returns no empty
    pooler output. Weights always come from the COMET checkpoint, so only the configuration and tokenizer are read.

    `packed`, where set, computes what `model` would; with `first_only`, of each text's first token alone.
    """

    def __init__(self, pretrained_model: str, *_: Any) -> None:
        super(CometEncoder, self).__init__()
        self.tokenizer = _tokenizer(pretrained_model)
        self.tokenizer.build_inputs_with_special_tokens = self._with_special_tokens
        config = AutoConfig.from_pretrained(pretrained_model, trust_remote_code=False)
        self.model = AutoModel.from_config(
            config, add_pooling_layer=False, dtype=torch.float32, trust_remote_code=False
        )
        self.packed: Packed | None = None
        self.first_only = False

    @classmethod
    def from_pretrained(cls, pretrained_model: str, *arguments: Any) -> "Encoder":
        """COMET's constructor; `arguments` (load weights, local files only) do not apply."""
        return cls(pretrained_model, *arguments)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> dict[str, object]:
        """Hidden states of all layers, in float32 whatever the encoder's dtype: the heads stay exact."""
        if self.packed is None:
            output = self.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
            layers = output.hidden_states
        else:
            layers = self.packed(input_ids, attention_mask, self.first_only)
        layers = tuple(layer.float() for layer in layers)
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
        return PreTrainedTokenizerFast.from_pretrained(name, trust_remote_code=False, **special)
    except ValueError:  # only a SentencePiece model: convert it
        return AutoTokenizer.from_pretrained(name, trust_remote_code=False)


ENCODERS = ("XLM-RoBERTa", "XLM-RoBERTa-XL")
"""COMET's names of the encoders that `Encoder` stands in for."""


def build_model(kind: str, **settings: Any) -> torch.nn.Module:
    """COMET's own model of that kind (`comet.models.str2model`), with `Encoder` inside.

    COMET looks its encoder up in a table of its own. The entries are replaced for the time of this call only.

    Args:
        kind: a `class_identifier` of COMET, see `SUPPORTED`.
        settings: arguments of COMET's class.
    """
    theirs = {name: str2encoder[name] for name in ENCODERS}
    str2encoder.update(dict.fromkeys(ENCODERS, Encoder))
    try:
        return str2model[kind](**settings)
    finally:
        str2encoder.update(theirs)


def checkpoint(path: str, encoder: str | None = None) -> torch.nn.Module:
    """COMET's own model, with the encoder above.

    Args:
        path: folder in COMET's layout (hparams.yaml, checkpoints/model.ckpt or model.safetensors) or hub id.
        encoder: folder or hub id of the encoder's configuration and tokenizer; default: the folder `encoder`
            in `path` where there is one, else the hub id that the checkpoint names.

    Raises:
        UserError: nothing usable at `path`, or a kind of model that is not supported.
    """
    folder = _folder(path)
    hparams = _hparams(folder)
    bundled = folder / "encoder"
    name = encoder or (str(bundled) if bundled.is_dir() else hparams["pretrained_model"])
    kind = str(hparams["class_identifier"])
    known = inspect.signature(str2model[kind].__init__).parameters
    settings = {key: value for key, value in hparams.items() if key in known}
    settings |= {"pretrained_model": name, "load_pretrained_weights": False}
    try:
        model = build_model(kind, **settings)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: its encoder {name!r} cannot be loaded ({error}). Without internet, set judge.quality.encoder "
            "to a local folder with the encoder's config.json and tokenizer. An encoder whose files bring their own "
            "code is not supported."
        ) from error
    except Exception as error:  # a configuration of any kind may meet COMET's constructors here
        raise UserError(f"{folder / HPARAMS}: COMET cannot make a model of it ({error!r})") from error
    _load_weights(model, folder)
    return model


def _load_weights(model: torch.nn.Module, folder: Path) -> None:
    weights = _weights(folder)
    try:
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{folder}: the weights do not have the shapes that {HPARAMS} describes ({reason})") from error
    # Buffers and metrics (dropout masks, running correlations) may differ between COMET versions; weights may not.
    lost = [key for key in missing if key in dict(model.named_parameters())]
    if lost:
        raise UserError(f"{folder}: the checkpoint lacks {len(lost)} weights of the model, e.g. {lost[0]}")


def _folder(path: str) -> Path:
    """The local folder of a checkpoint given as a folder, its model.ckpt, or a hub id."""
    local = Path(path)
    if local.is_file():
        return local.parent.parent
    if local.exists():
        return local
    if path.startswith((".", "/")) or path.count("/") != 1:
        raise UserError(f"{path}: no such COMET checkpoint (expected a folder with hparams.yaml, or a hub id)")
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return snapshot(path)
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise UserError(f"{path}: not on this machine and not available from the hub ({error})") from error


def _hparams(folder: Path) -> dict[str, object]:
    file = folder / HPARAMS
    try:
        hparams = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}). A COMET checkpoint has one") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not plain YAML: {error}") from error
    if not isinstance(hparams, dict):
        raise UserError(f"{file}: expected keys and values, found {type(hparams).__name__}")
    kind = hparams.get("class_identifier")
    if kind not in SUPPORTED:
        raise UserError(f"{file}: class_identifier {kind!r} is not supported (supported: {', '.join(SUPPORTED)})")
    absent = [key for key in ("encoder_model", "pretrained_model") if key not in hparams]
    if absent:
        raise UserError(f"{file}: lacks {', '.join(absent)}. A COMET checkpoint has them")
    if hparams["encoder_model"] not in ENCODERS:
        raise UserError(f"{file}: encoder_model {hparams['encoder_model']!r} is not supported (only XLM-RoBERTa[-XL])")
    # "sparsemax_patch" is how checkpoints say "softmax" since COMET 2.2.4 (Unbabel/COMET#244).
    if hparams.get("layer_transformation") == "sparsemax_patch":
        hparams["layer_transformation"] = "softmax"
    return hparams


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    """Tensors of the checkpoint; nothing in it is executed."""
    safe, pickled = folder / "checkpoints" / "model.safetensors", folder / "checkpoints" / "model.ckpt"
    if safe.is_file():
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(safe)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{safe}: cut or damaged ({error}). Fetch it again") from error
    if not pickled.is_file():
        raise UserError(f"{folder}: neither checkpoints/model.safetensors nor checkpoints/model.ckpt is there")
    import pickle

    try:
        weights = torch.load(pickled, map_location="cpu", weights_only=True, mmap=True)["state_dict"]
        if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
            raise TypeError("state_dict holds something else than tensors")
    except (pickle.UnpicklingError, KeyError, RuntimeError, TypeError, EOFError, ValueError) as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UserError(
            f"{pickled}: not a COMET checkpoint of plain tensors ({reason}). It is never unpickled "
            "with code in it. Where you trust it, convert its state_dict to checkpoints/model.safetensors."
        ) from error
    return weights
