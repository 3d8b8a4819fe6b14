"""The run that is evaluated: loaded, checked against the data, and summarized."""

from pathlib import Path

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captions
from pipelines.evaluation.results import RunSummary
from pipelines.training.history import read_history
from pipelines.training.workdir import has_same_data
from t2i_tf.budget import Budget
from t2i_tf.checkpoints import Trained, read_share_done
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError
from t2i_tf.hub.find_preset import is_work_folder
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.image_ops import check_same_shape, image_shape


def open_run(workdir: str | Path, folder: DataFolder) -> Trained:
    """The trained system of a work folder, from its best checkpoint; or that of a preset.

    Raises:
        UserError: there is no such model, it is not a text-to-image system, or it was trained on
            images of another size or on another vocabulary than the data folder's.
    """
    trained = load_trained(workdir)
    if not hasattr(trained.model, "generate"):
        raise UserError(
            f"{workdir} holds a model of type {type(trained.model).__name__}, which draws no"
            " captions. Expected a run of a text-to-image system: a DRAW system, a VAE or the"
            " LAPGAN. A sharpener is named with --sharpen; `caption --data` scores a captioner."
        )
    check_same_data(trained, workdir, folder)
    return trained


def check_same_data(trained: Trained, workdir: str | Path, folder: DataFolder) -> None:
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


def trained_lengths(config: TrainConfig) -> LengthRange:
    """The lengths of the captions that a run was trained on."""
    return LengthRange(config.min_words, config.max_words)


def summarize_run(workdir: str | Path, trained: Trained, folder: DataFolder) -> RunSummary:
    """The run of a work folder, and how far it was trained as far as its files say."""
    last = {"step": trained.step, "seconds": None}
    spent = finished = None
    if is_work_folder(workdir):
        spent = read_share_done(Path(workdir), trained.config)
        # A training that its patience has ended leaves some of its budget.
        finished = None if spent is None else spent >= 1.0
        history = read_history(Path(workdir) / "history.csv")  # imported weights have none
        if history:
            last = history[-1]
            budget = Budget.of(trained.config, _steps_per_epoch(trained.config, folder))
            spent = budget.progress(int(last["step"]), last["seconds"])
            finished = finished or spent >= 1.0
    return RunSummary(
        workdir=str(workdir),
        config=type(trained.config.model).__name__,
        model=type(trained.model).__name__,
        weights=trained.model.count_params(),
        step=trained.step,
        last_step=int(last["step"]),
        seconds=last["seconds"],
        budget_spent=None if spent is None else round(spent, 4),
        finished=finished,
        same_data=has_same_data(workdir, folder),
    )


def _steps_per_epoch(config: TrainConfig, folder: DataFolder) -> int:
    """About how many steps an epoch has; captions are counted only if the budget is in epochs."""
    if config.minutes is not None or config.steps:
        return 1
    kept = trained_lengths(config).contains(read_captions(folder, "train").words).sum()
    return max(int(kept) // config.batch_size, 1)
