"""Builds the tiny world in a folder: `python -m polydistill.tinyworld.build FOLDER`.

The data take a second. The models come from `polydistill/tinyworld/weights/` as long as those were trained by
exactly the code,
templates and CLDR data at hand (a digest says so); otherwise they are trained here, which takes about 15 minutes on
two cores. `--ship` puts the models of FOLDER into `polydistill/tinyworld/weights/`, in float16.
"""

import argparse
import ast
import hashlib
import json
import multiprocessing
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polydistill.tinyworld import corpora
from polydistill.tinyworld.facts import LANGUAGES, entities, facts, name

if TYPE_CHECKING:
    import torch

HERE = Path(__file__).parent
WEIGHTS = HERE / "weights"
MODELS = ("student", "nllb", "comet")
_SOURCES = {
    "student": ("student",),
    "nllb": ("translator",),
    "comet": ("translator", "estimator"),
}
_RECORD = "world.json"


def build(folder: str | Path) -> Path:
    """Write the world's data and models under `folder` and return it; what is there and current is kept.

    The layout: instructions.json, shots/, parallel/, dictionaries/, eval/ and dev/ (belebele, flores, xlsum, mkqa),
    models/{student,nllb,comet}/, and world.json, which records what everything was made from.
    """
    folder = Path(folder)
    record = {"data": _data_digest(), **{model: digest(model) for model in MODELS}}
    known = _read(folder / _RECORD)
    if known == record:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RECORD).unlink(missing_ok=True)
    corpora.write(folder)
    shipped = _read(WEIGHTS / "digests.json")
    stale = [model for model in MODELS if known.get(model) != record[model]]
    for model in stale:
        if shipped.get(model) == record[model]:
            _unpack(WEIGHTS / model, folder / "models" / model)
    _train([model for model in stale if shipped.get(model) != record[model]], folder / "models")
    (folder / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    return folder


def digest(model: str) -> str:
    """Hash of everything that goes into making a model: the code that trains it, the templates, CLDR's names."""
    names = [[name(entity, language) for language in LANGUAGES] for entity in entities()]
    made = hashlib.sha256(json.dumps([names, [str(fact) for fact in facts()]]).encode())
    for module in ("facts", "templates", "pieces", "training", *_SOURCES[model]):
        made.update(_code(HERE / f"{module}.py"))
    if model == "student":
        asked = [vars(task) for fact in facts() for task in corpora.tasks(fact, corpora.SOURCE)]
        made.update(json.dumps([asked, corpora.carriers(corpora.SOURCE)]).encode())
    return made.hexdigest()[:16]


def _code(path: Path) -> bytes:
    """What a module computes: its syntax tree without imports, docstrings and comments, which decide no weight."""
    return repr(_tree(ast.parse(path.read_text(encoding="utf-8")))).encode()


def _tree(node: Any) -> Any:
    """A syntax tree as plain tuples. Empty fields are left out: Python's versions differ in them."""
    if isinstance(node, list):
        return [_tree(item) for item in node if not _says_nothing(item)]
    if not isinstance(node, ast.AST):
        return node
    fields = {name: _tree(value) for name, value in ast.iter_fields(node) if value is not None}
    return type(node).__name__, [item for item in fields.items() if item[1] != []]


def _says_nothing(node: Any) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Import | ast.ImportFrom)


def ship(folder: Path) -> None:
    """Copy the models of a built world into the package: safetensors in float16."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.rmtree(WEIGHTS, ignore_errors=True)
    for model in MODELS:
        shutil.copytree(folder / "models" / model, WEIGHTS / model)
    for file in [*WEIGHTS.glob("*/model.safetensors"), *WEIGHTS.glob("*/checkpoints/model.ckpt")]:
        pickled = file.suffix == ".ckpt"
        weights = torch.load(file, weights_only=True)["state_dict"] if pickled else load_file(file)
        file.unlink()
        save_file(_cast(weights, torch.float16), file.with_suffix(".safetensors"), {"format": "pt"})
    record = {model: digest(model) for model in MODELS}
    (WEIGHTS / "digests.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _unpack(shipped: Path, folder: Path) -> None:
    """The reverse of `ship` for one model: float32, and COMET's own file format."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shipped, folder)
    for file in folder.glob("**/model.safetensors"):
        weights = _cast(load_file(file), torch.float32)
        if file.parent.name == "checkpoints":
            file.unlink()
            torch.save({"state_dict": weights}, file.with_suffix(".ckpt"))
        else:
            save_file(weights, file, {"format": "pt"})


def _cast(weights: dict[str, "torch.Tensor"], dtype: "torch.dtype") -> dict[str, "torch.Tensor"]:
    return {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in weights.items()}


def _train(models: Sequence[str], folder: Path) -> None:
    """Train `models`, the student beside the other two, one thread each."""
    if not models:
        return
    print(f"tinyworld: training {', '.join(models)} (the shipped weights are not of this code)", file=sys.stderr)
    lines = [["student"], ["nllb", "comet"]]  # the estimator learns from the translator's errors
    chosen = [[model for model in line if model in models] for line in lines]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(lines), mp_context=spawn) as pool:
        for done in [pool.submit(_train_line, line, folder) for line in chosen if line]:
            done.result()


def _train_line(models: list[str], folder: Path) -> None:
    import torch

    from polydistill.tinyworld import estimator, student, translator

    torch.set_num_threads(1)
    trainers: dict[str, Callable[[], None]] = {
        "student": lambda: student.train(folder / "student"),
        "nllb": lambda: translator.train(folder / "nllb"),
        "comet": lambda: estimator.train(folder / "comet", folder / "nllb"),
    }
    for model in models:
        shutil.rmtree(folder / model, ignore_errors=True)
        trainers[model]()


def _data_digest() -> str:
    made = hashlib.sha256()
    for module in ("facts", "templates", "corpora"):
        made.update(_code(HERE / f"{module}.py"))
    made.update(json.dumps([[name(e, language) for language in LANGUAGES] for e in entities()]).encode())
    return made.hexdigest()[:16]


def _read(path: Path) -> dict[str, object]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m polydistill.tinyworld.build", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("folder", type=Path, help="where the world is to be")
    parser.add_argument("--ship", action="store_true", help="then copy its models into polydistill/tinyworld/weights/")
    arguments = parser.parse_args()
    folder = build(arguments.folder)
    if arguments.ship:
        ship(folder)
    print(folder)


if __name__ == "__main__":
    main()
