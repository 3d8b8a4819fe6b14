"""From what people name, a preset, to the folder or file that holds it."""

from pathlib import Path

from t2i_tf.errors import UserError, did_you_mean
from t2i_tf.hub import hugging_face
from t2i_tf.hub.preset_folder import check_whole, is_preset

SHIPPED = Path(__file__).parents[1] / "weights"
DEFAULT = "conv-draw-scenes"
"""Weights that ship, with which `generate` draws unless it is given others."""


def shipped_names() -> list[str]:
    """The names of the weights that ship with the package."""
    return sorted(folder.name for folder in SHIPPED.iterdir() if is_preset(folder))


def is_work_folder(preset: str | Path) -> bool:
    """Whether a folder is named that is no preset: a run's, in which its results have a place."""
    folder = Path(preset)
    return not hugging_face.is_address(preset) and folder.is_dir() and not is_preset(folder)


def find_preset(preset: str | Path) -> Path:
    """The folder (or `.keras` file) of a preset, downloaded if it is on the hub.

    Args:
        preset: a work folder, a folder of `save_to_preset`, a file of `save`, the name of shipped
            weights where there is no file or folder of this name, or hf://user/name.

    Raises:
        UserError: there is nothing of that name, it cannot be downloaded, or it is half a preset.
    """
    if not str(preset):
        raise UserError(
            "Expected the name of weights, got an empty one: give a work folder, a preset or"
            " hf://user/name."
        )
    if hugging_face.is_address(preset):
        return hugging_face.download(str(preset))
    if Path(preset).exists():
        check_whole(Path(preset))
        return Path(preset)
    if str(preset) in shipped_names():
        return SHIPPED / str(preset)
    raise UserError(
        f"There are no weights {str(preset)!r}: {_hint(str(preset))} Or give a work folder, a "
        "folder of `save_to_preset`, a .keras file, or hf://user/name."
    )


def _hint(name: str) -> str:
    names, missing = shipped_names(), "it is not a work folder, as no such folder exists"
    if not names:
        return f"{missing}, and no weights ship with this version."
    return f"{missing}, nor do weights of this name ship. {did_you_mean(name, names)}"
