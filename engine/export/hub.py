"""Uploading an exported folder to the Hugging Face hub; nothing is sent unless a repository is named."""

from pathlib import Path
from typing import Any

from polydistill.engine.errors import UserError


def push(folder: Path, repository: str, public: bool = False, api: Any = None) -> str:
    """Create the data set `repository` (ORG/NAME), private by default, and upload the folder; returns its address.

    Args:
        folder: a folder that `export` wrote.
        repository: ORG/NAME.
        public: everybody can see it.
        api: client of the hub; default: huggingface_hub's, which reads the token from HF_TOKEN.

    Raises:
        UserError: no such name, no token, or the hub refuses.
    """
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise UserError(f"--push-to-hub {repository}: expected ORG/NAME")
    if not (folder / "README.md").is_file():
        raise UserError(f"{folder}: no dataset card here. Push a folder format: datasets, llamafactory or axolotl.")
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    try:
        address = api.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
        api.upload_folder(repo_id=repository, repo_type="dataset", folder_path=str(folder))
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"--push-to-hub {repository}: {' '.join(str(error).split())[:300]}. The files are in {folder}. Check the "
            "network and the token in HF_TOKEN."
        ) from error
    return str(address)
