"""Run files to start from: the shipped ones, with paths for a file of the user's own."""

import json
import os
import re
from pathlib import Path

from polydistill import configs
from polydistill.engine.errors import UserError
from polydistill.engine.prompts.sources import on_hub

RUNS = Path(configs.__file__ or "").parent / "runs"
SHIPPED_ROOT = "../../"
"""How shipped run files, two folders down, name the folder that holds data/ and out/."""


def kinds() -> list[str]:
    """Names of the shipped run files that are meant to be copied."""
    return sorted(path.stem for path in RUNS.glob("*.yaml") if path.stem != "demo")


def write_template(file: Path, kind: str, prompts: str | None = None, force: bool = False) -> Path:
    """Write the run file `kind` to `file`, its paths relative to that file's folder.

    Args:
        file: where to write.
        kind: one of `kinds()`.
        prompts: rows to start from in place of the template's: a file or folder, or a data set on the hub.
        force: whether an existing file is overwritten.

    Raises:
        UserError: no such kind, the file exists, or the rows do not.
    """
    if kind not in kinds():
        raise UserError(f"--kind {kind}: no such run file. There are: {', '.join(kinds())}")
    if file.exists() and not force:
        raise UserError(f"{file} exists. Choose another name, or overwrite it with --force")
    if prompts is not None and not Path(prompts).exists() and not on_hub(prompts):
        raise UserError(f"--prompts {prompts}: no such file or folder")
    text = (RUNS / f"{kind}.yaml").read_text(encoding="utf-8")
    text = text.replace(SHIPPED_ROOT, "").replace(f"configs/runs/{kind}.yaml", str(file))
    if prompts is not None:
        text = _with_prompts(text, os.path.relpath(prompts, file.parent) if Path(prompts).exists() else prompts)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def _with_prompts(text: str, path: str) -> str:
    """The file with other rows. Its `prompts` may be one line, whose limit stays, or a block."""

    def other(found: re.Match[str]) -> str:
        limit = re.search(r"^prompts:.*(limit: \d+)", found[0])
        return f"prompts: {{path: {json.dumps(path)}{f', {limit[1]}' if limit else ''}}}\n"

    return re.sub(r"^prompts:.*\n(?:[ \t]+.*\n)*", other, text, flags=re.MULTILINE)
