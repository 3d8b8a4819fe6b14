"""A checkpoint to a SavedModel: a new numbered version, checked before it appears."""

from pathlib import Path
from typing import Literal

import tensorflow as tf

from serving.contract import is_version
from serving.errors import ServingError
from serving.export.choose_module import build_served_module
from serving.export.served_module import ServedModule
from serving.export.validate import check
from serving.export.warmup_writer import write_warmup
from serving.model_errors import model_error
from t2i_tf.files import scratch_folder
from t2i_tf.hub.pretrained import load_trained


def export(
    workdir: str | Path,
    out: Path,
    which: Literal["best", "last"] = "best",
    sharpen: str | Path | None = None,
) -> Path:
    """Write a trained model as the next version of `out`, and check it.

    Args:
        workdir: Work folder of a run, of any system; or whatever else `from_preset` loads.
        out: Base path of the model, with a folder for each version; created if it is missing.
        which: The "best" checkpoint by validation loss, or the "last" of a work folder.
        sharpen: Work folder or preset of a sharpener: the model then returns each image
            sharpened as well.

    Returns:
        The folder of the version. It appears complete, and only if every check passes: a server
        that watches `out` loads it at once.

    Raises:
        UserError: there is no such model, it is damaged, or a preset is to have a last checkpoint.
        ServingError: a check fails, or the disk is full.
    """
    sharpener = load_trained(sharpen) if sharpen else None
    model = build_served_module(load_trained(workdir, which), sharpener)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    version = out / str(_next_version(out))
    # In the same folder: only within a file system is renaming atomic. Servers skip the name, which
    # is not a number.
    with scratch_folder(out, ".exporting-") as scratch:
        try:
            save(model, scratch)
            check(scratch, model)
        except tf.errors.OpError as error:  # TensorFlow's for a full disk, among others
            message = f"{version} cannot be written: {model_error(error.message)}"
            raise ServingError(message) from error
        scratch.chmod(0o755)  # a temporary folder is readable by its owner alone
        scratch.rename(version)
    return version


def save(model: ServedModule, folder: Path) -> None:
    """Write the SavedModel and its warm-up requests, without checks."""
    tf.saved_model.save(model, str(folder), signatures=model.signatures())
    write_warmup(folder, {signature: model.examples(signature) for signature in model.methods})


def _next_version(out: Path) -> int:
    versions = [int(path.name) for path in out.iterdir() if is_version(path.name)]
    return max(versions, default=0) + 1
