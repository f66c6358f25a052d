"""Uploading a trained folder to the Hugging Face Hub, where `train.hub` asks for it."""

from polydistill.engine.errors import UserError


def push(folder: str, repository: str) -> str:
    """Upload a folder to a private model repository, made where it does not exist; returns its address.

    Raises:
        UserError: no token, no network, or no right to write there. The folder stays as it is.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api = HfApi()
        address = api.create_repo(repository, private=True, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder)
    except (HfHubHTTPError, OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(
            f"train.hub={repository}: the upload failed ({first}). The model is in {folder}. Log in with "
            f"`hf auth login` and run the same command again, or upload it with `hf upload {repository} {folder}`."
        ) from error
    return str(address)
