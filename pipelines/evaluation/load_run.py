"""The run that is evaluated: whether it can be, on this data, and how far it was trained."""

from pathlib import Path
from typing import Any

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captions
from pipelines.training.history import read_history
from pipelines.training.schedule import Budget
from pipelines.training.workdir import has_same_data
from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.image_ops import check_same_shape, image_shape


def open_run(workdir: Path, folder: DataFolder) -> Trained:
    """The trained system of a work folder, by its best checkpoint.

    Raises:
        UserError: there is none, it draws no captions, or it was trained on pictures of another
            size or on other words than the data folder's.
    """
    trained = checkpoints.load(workdir)
    if not hasattr(trained.model, "generate"):
        raise UserError(
            f"{workdir} holds a {type(trained.model).__name__}, which draws no captions. Expected a"
            " run of a text-to-image system: a DRAW system, a VAE or the LAPGAN. A sharpener is"
            " named with --sharpen; `caption --data` scores a captioner."
        )
    check_same_data(trained, workdir, folder)
    return trained


def check_same_data(trained: Trained, workdir: Path, folder: DataFolder) -> None:
    """Refuse a data folder with images of another size or with another vocabulary than the run's.

    Raises:
        UserError: one of the two differs.
    """
    remedy = "Give the data folder that it was trained on."
    check_same_shape(
        image_shape(trained.config.model),
        folder.shape,
        f"{workdir} draws images of {{expected}}, those of {folder.path} are {{found}}",
        remedy,
    )
    if trained.vocabulary.entries != folder.vocabulary.entries:
        raise UserError(
            f"{workdir} was trained on a vocabulary of {len(trained.vocabulary)} words, that of "
            f"{folder.path} has {len(folder.vocabulary)} and is a different one. {remedy}"
        )


def about_run(workdir: Path, trained: Trained, folder: DataFolder) -> dict[str, Any]:
    """What is evaluated: plain values.

    `step` is the checkpoint's, `last_step` and `seconds` are those of the training so far;
    `budget_spent` is 1 where it was `finished`, and less where it was stopped before.
    """
    history = read_history(workdir / "history.csv")
    last = history[-1] if history else {"step": trained.step, "seconds": 0.0}
    budget = Budget.of(trained.config, _steps_per_epoch(trained.config, folder))
    spent = budget.progress(int(last["step"]), last["seconds"])
    return {
        "workdir": str(workdir),
        "config": type(trained.config.model).__name__,
        "model": type(trained.model).__name__,
        "weights": trained.model.count_params(),
        "step": trained.step,
        "last_step": int(last["step"]),
        "seconds": last["seconds"],
        "budget_spent": round(spent, 4),
        "finished": spent >= 1.0,
        "same_data": has_same_data(workdir, folder),
    }


def _steps_per_epoch(config: TrainConfig, folder: DataFolder) -> int:
    """About how many steps show every caption once; read only where epochs are the budget."""
    if config.minutes is not None or config.steps:
        return 1
    lengths = LengthRange(config.min_words, config.max_words)
    kept = lengths.contains(read_captions(folder, "train").words).sum()
    return max(int(kept) // config.batch_size, 1)
