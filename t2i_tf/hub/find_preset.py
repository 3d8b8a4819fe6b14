"""From what people name, a preset, to the folder or file that holds it."""

import re
from pathlib import Path

from t2i_tf.errors import UsageError, UserError, did_you_mean
from t2i_tf.hub import hugging_face
from t2i_tf.hub.preset_folder import check_whole, is_preset
from t2i_tf.presets import PRESETS

SHIPPED = Path(__file__).parents[1] / "weights"
_ELSEWHERE = re.compile(
    r"(?:https?://(?:www\.)?huggingface\.co|hf:/?|(?i:hf)://)/?([\w.-]+/[\w.-]+)/?"
)
"""Ways to write an address of the hub that are not ours; `Path` makes hf:/ of hf://."""
DEFAULT = "align-draw-scenes"
"""Weights that ship, with which `generate` draws unless it is given others."""


def shipped_names() -> list[str]:
    """The names of the weights that ship with the package."""
    return sorted(folder.name for folder in SHIPPED.iterdir() if is_preset(folder))


def is_work_folder(preset: str | Path) -> bool:
    """Whether `preset` is the work folder of a run, where results are stored beside the run."""
    folder = Path(preset)
    return not hugging_face.is_address(preset) and folder.is_dir() and not is_preset(folder)


def find_preset(preset: str | Path) -> Path:
    """The folder (or `.keras` file) of a preset, downloaded if it is on the hub.

    Args:
        preset: a work folder, a folder of `save_to_preset`, a file of `save`, the name of shipped
            weights where there is no file or folder of this name, or hf://user/name.

    Raises:
        UsageError: it is neither a string nor a path, or a malformed address.
        UserError: there is nothing of that name, it cannot be downloaded, or it is half a preset.
    """
    if not isinstance(preset, str | Path):
        raise UsageError(f"Expected a preset as a string or a path, got {preset!r}.")
    if not str(preset):
        raise UserError(
            "Expected the name of weights, got an empty one: give a work folder, a preset or"
            " hf://user/name."
        )
    if hugging_face.is_address(preset):
        return hugging_face.download(str(preset))
    if _exists(Path(preset)):
        try:
            check_whole(Path(preset))
        except OSError as error:  # a folder that is not ours to search
            raise UserError(f"{preset} cannot be read: {error.strerror}.") from None
        return Path(preset)
    if str(preset) in shipped_names():
        return SHIPPED / str(preset)
    raise UserError(
        f"There are no weights {str(preset)!r}: {_hint(str(preset))} Or give a work folder, a "
        "folder of `save_to_preset`, a .keras file, or hf://user/name."
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, a folder that is not ours to read
        return False


def _hint(name: str) -> str:
    names, missing = shipped_names(), "it is not a work folder, as no such folder exists"
    on_the_hub = _ELSEWHERE.fullmatch(name)
    if on_the_hub:
        return f"on the Hugging Face Hub it is {hugging_face.SCHEME}{on_the_hub[1]}."
    if not names:
        return f"{missing}, and no weights ship with this version."
    if name in PRESETS:
        return (
            f"it is a preset of `python -m pipelines train`, and these ship with weights:"
            f" {', '.join(names)}."
        )
    return f"{missing}, nor do weights of this name ship. {did_you_mean(name, names)}"
