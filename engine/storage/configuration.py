"""The configuration in a run's folder (`config.yaml`): what later steps go by, and what people read.

Its first line holds a digest of all others. One altered digit would be another seed or another threshold, and nothing
else would notice.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from polydistill.engine.errors import DamagedError, mended_by
from polydistill.engine.storage.shards import Folder
from polydistill.engine.yaml_text import parse_yaml

CONFIG = "config.yaml"

_HEAD = re.compile(rb"# digest ([0-9a-f]{16})[^\n]*\n")
_NOTE = "of the lines below, which `polydistill synth` writes. Change the run's own file instead."
_AGAIN = "Run `polydistill synth` again with the run's own YAML file: it writes this one anew."


def write_configuration(folder: Folder, values: Mapping[str, object]) -> None:
    """Leave a run's resolved configuration in its folder; a file that says the same is left as it is."""
    text = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True).encode()
    data = f"# digest {_digest(text)} {_NOTE}\n".encode() + text
    if not folder.exists(CONFIG) or folder.read(CONFIG) != data:
        folder.write(CONFIG, data)


def read_configuration(folder: Folder) -> dict[str, Any]:
    """What `write_configuration` has left.

    Raises:
        DamagedError: the file is missing, or is not what was written.
    """
    where = folder.join(CONFIG)
    with mended_by(_AGAIN):
        if not folder.exists(CONFIG):
            raise DamagedError(f"{where} is missing")
        data = folder.read(CONFIG)
        head = _HEAD.match(data)
        text = data[head.end() :] if head else b""
        if head is None or _digest(text) != head[1].decode():
            raise DamagedError(f"{where}: damaged (its content is not what was written)")
    return parse_yaml(text.decode(), where)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
