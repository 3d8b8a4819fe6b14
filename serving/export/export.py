"""A checkpoint to a SavedModel: a new numbered version, checked before it appears."""

import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

from serving.contract import is_version
from serving.export.choose_module import build_served_module
from serving.export.served_module import ServedModule
from serving.export.validate import check
from serving.export.warmup_writer import write_warmup
from t2i_tf import checkpoints


def export(workdir: Path, out: Path, which: str = "best", sharpen: Path | None = None) -> Path:
    """Write the model of a work folder as the next version of `out`, and check it.

    Args:
        workdir: Work folder of a run, of any system.
        out: Base path of the model, with a folder for each version; created if it is missing.
        which: The "best" checkpoint by validation loss, or the "last".
        sharpen: Work folder of a sharpener: the model then returns each image sharpened as well.

    Returns:
        The folder of the version. It appears complete, and only if every check passes: a server
        that watches `out` loads it at once.

    Raises:
        UserError: a work folder is missing or incomplete.
        ServingError: a check fails.
    """
    sharpener = checkpoints.load(sharpen) if sharpen else None
    model = build_served_module(checkpoints.load(workdir, which), sharpener)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    version = out / str(_next_version(out))
    # In the same folder: only within a file system is renaming atomic. Servers skip the name, which
    # is not a number.
    scratch = Path(tempfile.mkdtemp(dir=out, prefix=".exporting-"))
    try:
        save(model, scratch)
        check(scratch, model)
        scratch.chmod(0o755)  # a temporary folder is readable by its owner alone
        scratch.rename(version)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return version


def save(model: ServedModule, folder: Path) -> None:
    """Write the SavedModel and its warm-up requests, without checks."""
    tf.saved_model.save(model, str(folder), signatures=model.signatures())
    write_warmup(folder, {signature: model.examples(signature) for signature in model.methods})


def _next_version(out: Path) -> int:
    versions = [int(path.name) for path in out.iterdir() if is_version(path.name)]
    return max(versions, default=0) + 1
