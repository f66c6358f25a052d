"""Tiny COMET checkpoints with weights made from a seed, and their scores by unmodified COMET.

Runs in two environments: here (transformers 5), and in one with COMET's own pins (unbabel-comet==2.2.7,
transformers<5, numpy<2), where it also records the reference scores:

    COMET_PYTHON tests/engine/judging/comet/models.py record tests/engine/judging/comet/scores.json
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PAIRS = json.loads((HERE / "pairs.json").read_text(encoding="utf-8"))  # [source, hypothesis, reference]

HEAD = {"hidden_sizes": [24, 12], "dropout": 0.1, "encoder_model": "XLM-RoBERTa", "nr_frozen_epochs": 0.3}
KINDS: dict[str, dict[str, Any]] = {
    # The published CometKiwi: sparsemax over layers, hypothesis and source in one sequence.
    "kiwi": {
        "class_identifier": "unified_metric",
        "input_segments": ["mt", "src"],
        "sent_layer": "mix",
        "layer_transformation": "sparsemax",
        "layer_norm": False,
        "word_layer": 3,
    },
    "unified": {
        "class_identifier": "unified_metric",
        "input_segments": ["mt", "src", "ref"],
        "sent_layer": "mix",
        "layer_transformation": "softmax",
        "layer_norm": True,
        "word_layer": 3,
        "word_level_training": True,
        "error_labels": ["minor", "major"],
    },
    "referenceless": {
        "class_identifier": "referenceless_regression_metric",
        "layer": "mix",
        "layer_transformation": "softmax",
        "layer_norm": True,
        "pool": "avg",
    },
    # wmt22-comet-da.
    "regression": {
        "class_identifier": "regression_metric",
        "layer": "mix",
        "layer_transformation": "sparsemax",
        "layer_norm": False,
        "pool": "avg",
    },
}


def _build(kind: str, arguments: dict[str, Any]) -> Any:
    try:
        from polydistill.engine.judging.quality.comet_checkpoint import build_model
    except ModuleNotFoundError:  # in the environment with COMET's own pins
        from comet.models import str2model

        return str2model[kind](**arguments)
    return build_model(kind, **arguments)


def write(folder: Path, kind: str) -> Path:
    """Write one checkpoint in COMET's layout; its encoder's configuration and tokenizer lie in `folder/encoder`."""
    import torch
    import yaml

    encoder = folder / "encoder"
    encoder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer_config.json", "tokenizer.json"):
        (encoder / name).write_bytes((HERE / "encoder" / name).read_bytes())
    settings = {**HEAD, **KINDS[kind], "pretrained_model": str(encoder)}
    arguments = {key: value for key, value in settings.items() if key != "class_identifier"}
    model = _build(settings["class_identifier"], arguments | {"load_pretrained_weights": False})
    state = {name: seeded(name, tuple(value.shape)) for name, value in model.named_parameters()}
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "hparams.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    checkpoint = {
        "state_dict": {name: torch.from_numpy(value) for name, value in state.items()},
        "hyper_parameters": {**arguments, "load_pretrained_weights": False},
        "pytorch-lightning_version": "2.0.0",
    }
    torch.save(checkpoint, folder / "checkpoints" / "model.ckpt")
    return folder


def seeded(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A parameter's values, from its name alone; wide enough that scores differ clearly between pairs."""
    values = np.random.RandomState(zlib.crc32(name.encode())).normal(0, 0.35, shape)
    if name.endswith("LayerNorm.weight"):
        values = 1 + values
    return values.astype(np.float32)


def predict(folder: Path, pairs: list[list[str]], references: bool, batch_size: int = 16) -> list[float]:
    """Scores by COMET's own `predict()`."""
    from comet import load_from_checkpoint

    model = load_from_checkpoint(str(folder / "checkpoints" / "model.ckpt"), local_files_only=True)
    samples = [{"src": s, "mt": h, **({"ref": r} if references else {})} for s, h, r in pairs]
    return model.predict(samples, batch_size=batch_size, gpus=0, progress_bar=False).scores


def record(output: Path) -> None:
    """Score PAIRS with every kind of model; written with the versions that did it."""
    import tempfile
    from importlib.metadata import version

    scores = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            scores[kind] = predict(write(Path(folder), kind), PAIRS, references=kind in ("unified", "regression"))
    versions = {name: version(name) for name in ("unbabel-comet", "transformers", "torch", "tokenizers")}
    output.write_text(json.dumps({"versions": versions, "scores": scores}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "record":
        record(Path(arguments[0]))
    else:  # predict FOLDER PAIRS.json OUT.json (with three columns where the model needs references)
        folder, pairs, out = map(Path, arguments)
        rows = json.loads(pairs.read_text(encoding="utf-8"))
        kind = (folder / "hparams.yaml").read_text(encoding="utf-8")
        needs = "regression_metric" in kind and "referenceless" not in kind
        out.write_text(json.dumps(predict(folder, rows, references=needs or "- ref" in kind)))
