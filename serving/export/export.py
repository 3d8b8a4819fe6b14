"""A checkpoint to a SavedModel, in a new numbered version that is checked before it appears."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving import contract
from serving.errors import ServingError
from serving.export.choose_module import Served, served
from serving.export.validate import check
from serving.export.warmup_writer import write_warmup
from serving.server.servables.servable import Servable
from t2i_tf import checkpoints


def export(workdir: Path, out: Path, which: str = "best", sharpen: Path | None = None) -> Path:
    """Write the model of a work folder as the next version of `out`, and check it.

    Args:
        workdir: written by `python -m pipelines train`; of any system.
        out: the model's base path, with a folder for each version; made where missing.
        which: the "best" checkpoint by validation loss, or the "last".
        sharpen: work folder of a sharpener, whose pictures the model then gives too.

    Returns:
        The version's folder. It appears whole, and only if every check holds: a server that watches
        `out` loads it at once.

    Raises:
        UserError: no such run.
        ServingError: a check does not hold.
    """
    sharpener = checkpoints.load(sharpen) if sharpen else None
    model = served(checkpoints.load(workdir, which), sharpener)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    version = out / str(_next_version(out))
    scratch = Path(tempfile.mkdtemp(dir=out, prefix=".exporting-"))
    try:
        save(model, scratch)
        check(scratch)
        check_against(scratch, model)
        scratch.chmod(0o755)  # a temporary folder is its owner's alone
        scratch.rename(version)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return version


def save(model: Served, folder: Path) -> None:
    """Write the SavedModel, with its warm-up requests, unchecked."""
    tf.saved_model.save(model, str(folder), signatures=model.signatures())
    write_warmup(folder, {signature: model.examples(signature) for signature in model.methods})


def check_against(folder: Path, model: Served) -> str:
    """Check that the export answers what the model answers, alone and in a batch.

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
            for name, wanted in expected.items():
                answers = {
                    "in a batch": together[name],
                    "alone": np.concatenate([one[name] for one in alone]),
                }
                for how, answered in answers.items():
                    if not _same(name, wanted, answered):
                        raise ServingError(
                            f"{folder}, {signature.name}: {name} {how} differs from what the model "
                            "answers."
                        )
    finally:
        servable.close()
    return "answers are the model's own, alone and in a batch"


def _tensors(requests: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(values) for name, values in requests.items()}


def _ask(servable: Servable, signature: contract.Signature, requests: dict[str, np.ndarray]):
    return servable.run(servable.signature(signature.name), requests)


def _same(name: str, wanted: np.ndarray, answered: np.ndarray) -> bool:
    if name.endswith("_bytes"):
        wanted, answered = _decoded(wanted), _decoded(answered)
    if wanted.dtype == np.uint8:
        # Products of another shape may be summed in another order: a pixel may round otherwise.
        return bool(np.abs(wanted.astype(int) - answered.astype(int)).max() <= 1)
    if wanted.dtype == np.float32:
        return np.allclose(wanted, answered, rtol=1e-3, atol=1e-3)
    return np.array_equal(wanted, answered)


def _decoded(png: np.ndarray) -> np.ndarray:
    return np.stack([tf.io.decode_png(one).numpy() for one in png])


def _next_version(out: Path) -> int:
    versions = [int(path.name) for path in out.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1
