"""Hugging Face translation models in CTranslate2's format, converted once and kept.

A conversion is found again by the content of the model's files and the weights' type, whatever the folder is
called; it is written next to its place and renamed, and a lock lets one process convert while the others wait.
"""

import fcntl
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polydistill.engine.errors import DamagedError, UserError
from polydistill.engine.files.hub import snapshot
from polydistill.engine.models.identity import cache_root, file_digest
from polydistill.engine.storage.record import read_record, write_record
from polydistill.engine.storage.shards import Folder

_WEIGHTS = (".safetensors", ".bin")

RECORD = "conversion.json"


@dataclass(frozen=True)
class ConversionRecord:
    """What a conversion says about itself; it is written last."""

    source: str  # the folder that was converted
    quantization: str | None  # type of the stored weights, None: as they were
    files: dict[str, str]  # name -> SHA-256
    format: int = 2


def model_folder(model: str) -> Path:
    """The local folder of a model named by path or hub id; hub models are downloaded unless HF_HUB_OFFLINE=1.

    Raises:
        UserError: it is neither a folder nor to be had from the hub.
    """
    if Path(model).expanduser().is_dir():
        return Path(model).expanduser().resolve()
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise UserError(f"translate.model: there is no folder {model}")
    try:
        return snapshot(model)
    except Exception as error:
        raise UserError(
            f"translate.model: {model!r} is not a folder here and cannot be fetched from the hub "
            f"({type(error).__name__}: {str(error).splitlines()[0]}). Give the path of a Hugging Face folder, or "
            "download it first where there is internet and set HF_HOME to that cache."
        ) from error


def converted(folder: Path, compute_type: str, cache: str | None = None) -> Path:
    """The CTranslate2 model for `folder`, converted now if it never was.

    Args:
        folder: a Hugging Face folder (config, weights, tokenizer) or one that is converted already.
        compute_type: CTranslate2's compute type; decides in which type the weights are stored.
        cache: folder of conversions; default: $POLYDISTILL_CACHE, else ~/.cache/polydistill.

    Raises:
        UserError: files are missing, or CTranslate2 does not know the architecture.
    """
    if (folder / "model.bin").is_file() and not list(folder.glob("*.safetensors")):
        return folder
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no config.json here. Expected a Hugging Face or CTranslate2 translation model")
    from ctranslate2 import __version__ as version

    root = cache_root(cache) / "ctranslate2"
    root.mkdir(parents=True, exist_ok=True)
    stored = stored_type(compute_type)
    target = root / f"{checksum(folder)[:32]}-{stored}-{version}"
    if not _whole(target):
        with _lock(target.with_name(f"{target.name}.lock")):
            if not _whole(target):  # another process may have converted it while this one waited
                _convert(folder, target, None if stored == "float32" else stored)
    return target


def stored_type(compute_type: str) -> str:
    """The weights' type in the file: the part of the compute type that concerns weights (int8_float16 -> int8)."""
    if compute_type in ("default", "auto"):
        return "float32"
    return compute_type.split("_")[0]


def checksum(folder: Path) -> str:
    """SHA-256 over the names and contents of the model's files, 64 hex digits."""
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.suffix in (".json", ".model", ".spm", *_WEIGHTS)
    )
    if not any(name.endswith(_WEIGHTS) for name in names):
        raise UserError(f"{folder}: no weights here (*.safetensors or *.bin)")
    total = hashlib.sha256()
    for name in names:
        total.update(f"{name}\0{file_digest(folder / name)}\n".encode())
    return total.hexdigest()


def vocabulary(folder: Path) -> set[str]:
    """Every token that a CTranslate2 model knows."""
    tokens: set[str] = set()
    for path in folder.glob("*vocabulary.json"):
        try:
            tokens.update(map(str, json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError, RecursionError) as error:
            raise UserError(f"{path}: damaged vocabulary ({error}). Delete the folder, it is made again") from error
    for path in folder.glob("*vocabulary.txt"):  # models converted by older versions
        tokens.update(path.read_text(encoding="utf-8").split("\n"))
    if not tokens:
        raise UserError(f"{folder}: no vocabulary here, so not a whole CTranslate2 model")
    return tokens


def _convert(folder: Path, target: Path, quantization: str | None) -> None:
    from ctranslate2.converters import TransformersConverter

    class Converter(TransformersConverter):
        def load_model(self, *arguments: Any, **settings: Any) -> Any:
            """Without custom code: the converter leaves that open, and transformers would ask on the terminal."""
            return super().load_model(*arguments, **settings | {"trust_remote_code": False})

        def load_tokenizer(self, *arguments: Any, **settings: Any) -> Any:
            """Complete M2M-100's vocabulary: transformers 5 hides its language tokens from the converter."""
            tokenizer = super().load_tokenizer(*arguments, **settings | {"trust_remote_code": False})
            languages = getattr(tokenizer, "lang_token_to_id", None)
            if languages:
                tokens = {**tokenizer.get_vocab(), **languages}
                tokenizer.get_vocab = lambda: tokens
            return tokenizer

    temporary = Path(tempfile.mkdtemp(prefix=".converting-", dir=target.parent))
    try:
        try:
            converter = Converter(str(folder), low_cpu_mem_usage=True, trust_remote_code=False)
            converter.convert(str(temporary / "model"), quantization=quantization)
        except MemoryError:
            raise
        except Exception as error:  # the libraries meet a damaged file with any of a dozen kinds
            cause = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise UserError(
                f"{folder}: CTranslate2 cannot convert this model ({cause}). Expected an encoder-decoder translation "
                "model (NLLB, M2M-100, MADLAD, mBART-50, Marian) with whole files. Download it again. "
                "A language model translates with method `chat` or `self`."
            ) from error
        files = {path.name: file_digest(path) for path in (temporary / "model").iterdir()}
        write_record(Folder.of(temporary / "model"), RECORD, ConversionRecord(str(folder), quantization, files))
        if target.exists() and not _whole(target):
            shutil.rmtree(target)
        try:
            (temporary / "model").rename(target)
        except OSError:
            if not _whole(target):  # else another process was first, which happens where files cannot be locked
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _whole(target: Path) -> bool:
    """Whether every file of the conversion is what was written. Damage is said, since the model is then made again."""
    try:
        files = read_record(Folder.of(target), RECORD, ConversionRecord).files
    except DamagedError:  # or none was made yet
        return False
    wrong = [name for name, sha in files.items() if not (target / name).is_file() or file_digest(target / name) != sha]
    if wrong:
        print(f"{target / wrong[0]}: damaged. The translator is converted again.", file=sys.stderr)
    return bool(files) and not wrong


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        # On file systems without locks every process converts, and the first one to finish is used by all.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
