"""Ends a training whose validation loss no longer falls, and says when a model overfits."""

from collections.abc import Callable

import keras

from pipelines.training.history import History
from pipelines.training.workers.workers import Workers
from t2i_tf.checkpoints import CheckpointFolder
from t2i_tf.optimizers import steps_taken

OVERFITTING = 5  # validations without improvement, while the training loss falls


class EarlyStopping(keras.callbacks.Callback):
    """Ends the training after so many validations without a lower loss.

    What it waits for is a function of the step and of the best checkpoint, so that a resumed run
    ends at the same step. The learning rate follows the budget all the same: a training that ends
    early ends at the rate of that moment, and the averaged weights stand in for its fall. Models
    without a validation loss never end early. Its place in the list of callbacks is after the
    checkpoints.

    Args:
        patience: Validations without a lower loss; 0 never ends the training.
        interval: Steps between validations.
        folder: Checkpoints of the run.
        history: History of the run.
        say: Prints a line.
        workers: Workers of the training; the chief decides for all.
    """

    def __init__(
        self,
        patience: int,
        interval: int,
        folder: CheckpointFolder,
        history: History,
        say: Callable[[str], None],
        workers: Workers,
    ):
        super().__init__()
        self.patience, self.interval = patience, interval
        self.folder, self.history, self.say = folder, history, say
        self.workers = workers
        self._overfits = False

    @property
    def is_due(self) -> bool:
        """Whether the training ends here."""
        return self.patience > 0 and self.workers.chief_does(self._waited) >= self.patience

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        lines = self.workers.chief_does(self._new_lines)
        for line in lines:
            self.say(line)
        if self.is_due:
            self.model.stop_training = True

    def _new_lines(self) -> list[str]:
        """What there is to say after a validation."""
        lines = []
        if not self._overfits and self._waited() >= OVERFITTING:
            lines = self._overfitting()
            self._overfits = bool(lines)
        if 0 < self.patience <= self._waited():
            lines.append(
                f"The training ends early at step {steps_taken(self.model)}: {self.patience}"
                f" validations brought no lower loss than that of step {self.folder.best()}."
            )
        return lines

    def _waited(self) -> int:
        """Validations since the best one; 0 if there is none."""
        best = self.folder.best()
        return 0 if best is None else (steps_taken(self.model) - best) // self.interval

    def _overfitting(self) -> list[str]:
        rows = {row["step"]: row for row in self.history.rows}
        best, now = rows.get(self.folder.best()), rows.get(steps_taken(self.model))
        if not best or not now or not now["loss"] < best["loss"]:
            return []
        return [
            f"The model overfits: since step {best['step']:.0f}, the training loss has fallen from"
            f" {best['loss']:.5g} to {now['loss']:.5g} {self.model.unit}, while the validation loss"
            f" is {now['val_loss']:.5g} after {best['val_loss']:.5g}. The checkpoint of step"
            f" {best['step']:.0f} stays the best, and is the one that later commands use."
        ]
