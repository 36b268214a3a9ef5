"""Putting a corpus on the hub, for people who have a token."""

from pathlib import Path
from typing import Any

from attunement.core.errors import AttunementError, ConfigError, UserError


def check_token() -> None:
    """Raise `ConfigError` where no token is at hand, before anything is made."""
    if not _hub().get_token():
        raise ConfigError("`--push` needs a token; set HF_TOKEN, or log in with: hf auth login")


def push(folder: Path, repo: str, public: bool = False) -> str:
    """Upload a corpus folder as a dataset repository, made where it is missing; returns its URL.

    Private unless `public`. Raises `UserError` for a name or token that the hub refuses,
    `AttunementError` where it cannot be reached.
    """
    hub = _hub()
    api = hub.HfApi()
    try:
        made = api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
        api.upload_folder(
            repo_id=made.repo_id, repo_type="dataset", folder_path=folder,
            commit_message="Upload a corpus made by Attunement",
        )  # fmt: skip
    except hub.errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        kind = UserError if status in (400, 401, 403, 404) else AttunementError
        said = getattr(error, "server_message", None) or str(error).splitlines()[0]
        raise kind(
            f"the hub refused {repo!r} ({status}): {said}; the corpus is whole in {folder}"
        ) from None
    except (hub.errors.HFValidationError, ValueError) as error:
        raise UserError(f"`--push` {repo!r}: {error}") from None
    # The client's own network error, whichever HTTP library it is built on.
    except hub.errors.HfHubHTTPError.__bases__ as error:
        raise AttunementError(
            f"the hub cannot be reached: {error}; the corpus is whole in {folder}"
        ) from None
    return str(made)


def _hub() -> Any:
    """The hub's client, which is optional."""
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise ConfigError(
            "`--push` needs a package that is not here; pip install 'attunement[corpora]'"
        ) from None
    return huggingface_hub
