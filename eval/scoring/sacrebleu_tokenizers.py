"""sacreBLEU's BLEU with any tokenizer, sentencepiece models from a local file included.

"flores200" (spBLEU of NLLB and SDRRL) and "flores101" need a sentencepiece model that sacreBLEU downloads on first
use to ~/.sacrebleu/models/. `polydistill fetch` puts it there. On a machine without a network, do it yourself:

    flores200   https://tinyurl.com/flores200sacrebleuspm                  -> flores200sacrebleuspm
    flores101   https://dl.fbaipublicfiles.com/fairseq/models/flores/sacrebleu_tokenizer_spm.model -> same name

or name its path as the tokenizer.
"""

import hashlib
import os
from pathlib import Path

from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_base import BaseTokenizer
from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
from sacrebleu.utils import SACREBLEU_DIR

from polydistill.engine.errors import UserError

# Languages written without spaces: sacreBLEU's zh splits Chinese characters; the others count characters.
BY_CHARACTER = {"jpn_Jpan", "tha_Thai", "khm_Khmr", "lao_Laoo", "mya_Mymr", "bod_Tibt", "dzo_Tibt", "shn_Mymr"}


class LocalSentencePiece(BaseTokenizer):
    """Pieces of a local sentencepiece model."""

    def __init__(self, path: Path) -> None:
        import sentencepiece

        self.name = f"spm-{path.name}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def signature(self) -> str:
        """Name and hash of the model file."""
        return self.name

    def __call__(self, line: str) -> str:
        """The pieces of a line, joined by spaces."""
        return " ".join(self.model.encode(line, out_type=str))


def bleu_metric(tokenizer: str, effective_order: bool = False) -> BLEU:
    """sacreBLEU's BLEU with one of its own tokenizers, or with the sentencepiece model at a path.

    Raises:
        UserError: no such tokenizer, or its model is not on this machine and there is no network.
    """
    if os.path.isfile(tokenizer):
        metric = BLEU(tokenize="none", force=True, effective_order=effective_order)
        local = LocalSentencePiece(Path(tokenizer))
        metric.tokenizer, metric.tokenizer_signature = local, local.signature()
        return metric
    if tokenizer not in BLEU.TOKENIZERS:
        known = ", ".join(sorted(BLEU.TOKENIZERS))
        raise UserError(f"bleu_tokenizer {tokenizer!r}: neither a file nor one of sacreBLEU's tokenizers ({known})")
    try:
        return BLEU(tokenize=tokenizer, force=True, effective_order=effective_order)
    except (OSError, RuntimeError, ImportError) as error:
        model = downloaded_model(tokenizer)
        way = (
            f"`polydistill fetch` brings its model. Or put it at {model[1]} (from {model[0]}), or name the path of the "
            "model as bleu_tokenizer"
            if model
            else "Install what the message asks for"
        )
        raise UserError(f"sacreBLEU's tokenizer {tokenizer} cannot be used here ({error}). {way}") from error


def downloaded_model(tokenizer: str) -> tuple[str, Path] | None:
    """The address of a tokenizer's sentencepiece model, and where sacreBLEU keeps it. None where it needs none."""
    if tokenizer not in SPM_MODELS:
        return None
    address = str(SPM_MODELS[tokenizer]["url"])
    return address, Path(SACREBLEU_DIR, "models", address.rpartition("/")[2])


def tokenizer_of(tokenizer: str, language: str) -> str:
    """`tokenizer`, with 'language' resolved to the one that suits the language (see `eval.config.Task`)."""
    if tokenizer != "language":
        return tokenizer
    if language.startswith(("zho_", "yue_")):
        return "zh"
    return "char" if language in BY_CHARACTER else "13a"
