"""Finding a model or data set without fetching it."""

import os
from pathlib import Path

from polydistill.engine.errors import UserError

SECONDS = 5
"""How long the hub may take to say whether it has something."""


def locate(name: str, file: str = "config.json", kind: str = "model") -> Path | None:
    """The local folder of a model or data set. None where the hub has it, and it would be fetched.

    Args:
        name: path or hub id.
        file: a file that the folder must have.
        kind: "model" or "dataset".

    Raises:
        UserError: it is neither here nor on the hub, or the hub does not answer.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / file).is_file():
            raise UserError(f"{name}: the folder has no {file}")
        return folder
    if folder.exists() or name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise UserError(f"{name}: no such folder. Give the path of a folder, or a hub id such as OWNER/NAME")
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    cached = try_to_load_from_cache(name, file, repo_type=kind)
    if isinstance(cached, str):
        return Path(cached).parent
    what = f"{name} --repo-type dataset" if kind == "dataset" else name
    advice = f"fetch it where there is a network (`hf download {what}`), or give the path of a folder"
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        raise UserError(f"{name}: not on this machine, and HF_HUB_OFFLINE=1 forbids fetching it. Unset that, {advice}")
    try:
        HfApi().repo_info(name, repo_type=kind, timeout=SECONDS)
    except GatedRepoError as error:
        raise UserError(f"{name}: its license must be accepted on the hub first. Then run `hf auth login`") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UserError(f"{name}: neither a folder here nor a {kind} on the hub. Check the name") from error
    except Exception as error:  # the network has many ways to fail
        raise UserError(f"{name}: not on this machine, and the hub cannot be reached. To continue, {advice}") from error
    return None
