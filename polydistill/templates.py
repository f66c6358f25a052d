"""Run files to start from: the shipped ones, with paths for a file of the user's own."""

from pathlib import Path

from polydistill import configs
from polydistill.engine.errors import UserError

RUNS = Path(configs.__file__ or "").parent / "runs"
SHIPPED_ROOT = "../../"
"""How shipped run files, two folders down, name the folder that holds data/ and out/."""


def kinds() -> list[str]:
    """Names of the shipped run files that are meant to be copied."""
    return sorted(path.stem for path in RUNS.glob("*.yaml") if path.stem != "demo")


def write_template(file: Path, kind: str, force: bool = False) -> Path:
    """Write the run file `kind` to `file`, its paths relative to that file's folder.

    Args:
        file: where to write.
        kind: one of `kinds()`.
        force: whether an existing file is overwritten.

    Raises:
        UserError: no such kind, or the file exists.
    """
    if kind not in kinds():
        raise UserError(f"--kind {kind}: no such run file. There are: {', '.join(kinds())}")
    if file.exists() and not force:
        raise UserError(f"{file} exists. Choose another name, or overwrite it with --force")
    text = (RUNS / f"{kind}.yaml").read_text(encoding="utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.replace(SHIPPED_ROOT, "").replace(f"configs/runs/{kind}.yaml", str(file)), encoding="utf-8")
    return file
