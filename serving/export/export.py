"""A checkpoint to a SavedModel: a new numbered version, checked before it appears."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving import contract
from serving.errors import ServingError
from serving.export.choose_module import build_served_module
from serving.export.served_module import ServedModule
from serving.export.validate import check
from serving.export.warmup_writer import write_warmup
from serving.server.servables.servable import Servable
from t2i_tf import checkpoints

Arrays = dict[str, np.ndarray]


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
        check(scratch)
        check_against(scratch, model)
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


def check_against(folder: Path, model: ServedModule) -> str:
    """Check that the export answers as the model itself does, alone and in a batch.

    Returns:
        A sentence, where the check passes.

    Raises:
        ServingError: an answer differs.
    """
    servable = Servable(folder)
    try:
        for signature, method in model.methods.items():
            requests = model.examples(signature)
            expected = {k: v.numpy() for k, v in method(**_tensors(requests)).items()}
            together = _ask(servable, signature, requests)
            alone = [
                _ask(servable, signature, {k: v[i : i + 1] for k, v in requests.items()})
                for i in range(len(next(iter(requests.values()))))
            ]
            _check_answers(f"{folder}, {signature.name}, in a batch", expected, together)
            joined = {name: np.concatenate([one[name] for one in alone]) for name in expected}
            _check_answers(f"{folder}, {signature.name}, alone", expected, joined)
    finally:
        servable.close()
    return "answers are the model's own, alone and in a batch"


def _tensors(requests: Arrays) -> dict[str, tf.Tensor]:
    return {name: tf.constant(values) for name, values in requests.items()}


def _ask(servable: Servable, signature: contract.Signature, requests: Arrays):
    return servable.run(servable.signature(signature.name), requests)


def _check_answers(where: str, expected: Arrays, found: Arrays) -> None:
    for name in expected:
        if not _same(name, expected[name], found[name]):
            raise ServingError(f"{where}: {name} differs from the model's own answer.")


def _same(name: str, expected: np.ndarray, found: np.ndarray) -> bool:
    if name.endswith("_bytes"):
        expected, found = _decoded(expected), _decoded(found)
    if expected.dtype == np.uint8:
        # Products of another shape may be summed in another order, and a pixel round otherwise.
        return bool(np.abs(expected.astype(int) - found.astype(int)).max() <= 1)
    if expected.dtype == np.float32:
        return np.allclose(expected, found, rtol=1e-3, atol=1e-3)
    return np.array_equal(expected, found)


def _decoded(png: np.ndarray) -> np.ndarray:
    return np.stack([tf.io.decode_png(image).numpy() for image in png])


def _next_version(out: Path) -> int:
    versions = [int(path.name) for path in out.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1
