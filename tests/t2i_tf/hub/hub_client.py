"""The client of the Hugging Face Hub, as a process with other variables would import it."""

import sys

# Whole, so that a test puts back all of what it replaces: Keras imports a part of it.
import huggingface_hub.errors
import huggingface_hub.hf_api
import huggingface_hub.utils  # noqa: F401

from tests.t2i_tf.hub.hub_server import TOKEN


def reimport_client(monkeypatch, cache, endpoint, **variables):
    """Let the next import of `huggingface_hub` read these variables.

    Args:
        cache: folder that stands for HF_HOME; a user's own login is not in it.
        variables: more of them; None for one that is not set.
    """
    settings = {
        "HF_HOME": cache,
        "HF_ENDPOINT": endpoint,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": None,
    } | variables
    for name in (
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_TOKEN_PATH",
        "HUGGING_FACE_HUB_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, str(value))
    for name in [name for name in sys.modules if name.partition(".")[0] == "huggingface_hub"]:
        monkeypatch.delitem(sys.modules, name)
