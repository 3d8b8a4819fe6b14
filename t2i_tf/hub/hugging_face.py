"""Folders on the Hugging Face Hub, addressed as hf://user/name.

The client is `huggingface_hub`, an extra (`requirements-hub.txt`). Its variables hold: HF_HOME is
the cache, HF_HUB_OFFLINE uses the cache alone, HF_TOKEN logs in, HF_ENDPOINT names another hub.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from t2i_tf.errors import UsageError, UserError, first_line, install_extra

SCHEME = "hf://"
_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:@([^@\s]+))?/?", re.ASCII)


class Address(NamedTuple):
    """A repository of the hub, and what is read of it."""

    repository: str  # user/name
    revision: str | None  # a branch, a tag or a commit; the newest if None


def is_address(preset: str | Path) -> bool:
    """Whether something is named as on the hub."""
    return isinstance(preset, str) and preset.startswith(SCHEME)


def parse(address: str) -> Address:
    """The parts of hf://user/name or hf://user/name@revision.

    Raises:
        UsageError: it is neither.
    """
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise UsageError(f"Expected hf://user/name or hf://user/name@revision, got {address!r}.")
    return Address(*match.groups())


def download(address: str) -> Path:
    """The folder of a repository in the cache of `huggingface_hub`.

    It is downloaded where it is missing there, or its weights are damaged.

    Raises:
        UsageError: the address is malformed.
        UserError: `huggingface_hub` is not installed, the repository or the network is missing, the
            cache cannot be written, or it holds no preset, or a damaged one.
    """
    from t2i_tf.hub.preset_folder import FILES, has_our_format, is_preset, weights_are_damaged

    repository, revision = parse(address)
    hub = _client()

    def fetch(**more: bool) -> Path:
        with _failures(hub, f"load {address}"):
            if not hub.constants.HF_HUB_OFFLINE:  # else the client would warn a hundred times first
                Path(hub.constants.HF_HUB_CACHE).mkdir(parents=True, exist_ok=True)
            return Path(
                hub.snapshot_download(
                    repository, revision=revision, allow_patterns=list(FILES), **more
                )
            )

    folder = fetch()
    if not is_preset(folder) or not has_our_format(folder):
        raise UserError(
            f"{address} holds no preset: expected the files that `python -m pipelines push` writes."
        )
    if weights_are_damaged(folder):  # the client looks only whether there is a file in the cache
        folder = fetch(force_download=True)  # offline it stays as it is, and is refused later
        if not hub.constants.HF_HUB_OFFLINE and weights_are_damaged(folder):
            raise UserError(
                f"{address} is damaged on the hub: downloaded anew, too, its weights are not those"
                " of its metadata.json. Its owner has to push it again."
            )
    return folder


def check_can_send(address: str) -> None:
    """Refuse, before there is any work, what `upload` would refuse without asking the hub.

    Raises:
        UsageError: the hub has no repositories of such a name.
        UserError: `huggingface_hub` is not installed, or set to be offline.
    """
    repository, _ = parse(address)
    hub = _client()
    with _failures(hub, f"push to {address}"):
        hub.utils.validate_repo_id(repository)
    if hub.constants.HF_HUB_OFFLINE:
        raise UserError(f"Cannot push to {address}: {_unreachable(hub)}.")


def upload(folder: Path, address: str, *, files: Sequence[str], private: bool, message: str) -> str:
    """Make a repository out of files of a folder, or a new commit of one.

    Returns:
        The repository's address in a browser.

    Raises:
        UsageError: the address is malformed.
        UserError: `huggingface_hub` is not installed, the network or the permission is missing.
    """
    repository, revision = parse(address)
    hub = _client()
    with _failures(hub, f"push to {address}"):
        api = hub.HfApi()
        made = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=list(files),
            revision=revision,
            commit_message=message,
        )
    return str(made)


def _client():
    try:
        import huggingface_hub.constants
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError:
        raise UserError(
            "hf:// needs the package huggingface_hub, which is not installed. Install it with"
            f" {install_extra('hub')}."
        ) from None
    return huggingface_hub


@contextmanager
def _failures(hub, task: str) -> Iterator[None]:
    """The client's errors as one sentence each."""
    errors = hub.errors
    try:
        yield
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise UserError(f"Cannot {task}: {_missing(hub, error)}") from error
    except errors.LocalEntryNotFoundError as error:
        answer = error.__cause__
        if isinstance(answer, errors.HfHubHTTPError):
            raise UserError(f"Cannot {task}: {_refusal(answer)}") from error
        raise UserError(f"Cannot {task}: {_unreachable(hub)}, and the cache lacks it.") from error
    except errors.HfHubHTTPError as error:
        raise UserError(f"Cannot {task}: {_refusal(error)}") from error
    except errors.HFValidationError as error:
        raise UsageError(f"Cannot {task}: {first_line(error)}") from error
    except ConnectionError as error:  # HF_HUB_OFFLINE
        raise UserError(f"Cannot {task}: {_unreachable(hub)}.") from error
    except Exception as error:
        reason = _other_reason(hub, error)
        if reason is None:
            raise
        raise UserError(f"Cannot {task}: {reason}") from error


_TRANSPORTS = ("httpx", "httpx2", "httpcore", "httpcore2", "hf_xet")
_LOGIN = "log in with `hf auth login`, or set HF_TOKEN."


def _unreachable(hub) -> str:
    if hub.constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    return f"{hub.constants.ENDPOINT} cannot be reached"


def _other_reason(hub, error: Exception) -> str | None:
    """The reason for a failure that is not an HTTP error; None for what looks like a bug."""
    package = type(error).__module__.partition(".")[0]
    if package in _TRANSPORTS:
        return f"{_unreachable(hub)}."
    if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the network's
        return f"{error.filename or hub.constants.HF_HUB_CACHE}: {error.strerror}."
    if package == "huggingface_hub" or isinstance(error, OSError):
        return first_line(error)
    if isinstance(error, UnicodeError):  # headers are of ASCII
        return f"the login has characters that no login of the hub has; {_LOGIN}"
    if isinstance(error, ValueError | KeyError | TypeError | AttributeError):  # no such JSON
        return f"{hub.constants.ENDPOINT} does not answer as a hub does."
    return None


def _missing(hub, error) -> str:
    if isinstance(error, hub.errors.GatedRepoError):
        return f"its owner has to grant access first, on its page at the hub; then {_LOGIN}"
    if error.response.status_code == 401:
        return f"it does not exist or is not yours to read or write; {_LOGIN}"
    return "there is no such repository or revision."


def _refusal(error) -> str:
    status = error.response.status_code
    if status in (401, 403):
        said = f": {first_line(error.server_message)}" if error.server_message else ""
        return f"the hub refused it ({status}{said}); {_LOGIN}"
    return f"the hub answered {status}: {first_line(error.server_message or error)}"
