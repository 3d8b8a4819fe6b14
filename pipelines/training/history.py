"""`history.csv` of a run: a line for each report interval."""

import csv
import io
from pathlib import Path

import keras

from pipelines.training.pacing import Clock
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.optimizers import steps_taken


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a history.csv by column; none if the file is missing. Seconds and nats.

    Raises:
        UserError: the file was changed into another form, such as by a spreadsheet.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {name: float(value or "nan") for name, value in row.items()}
                for row in csv.DictReader(file)
            ]
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise _changed(path) from error
    if any({"step", "seconds"} - row.keys() for row in rows):
        raise _changed(path)
    return rows


def _changed(path: Path) -> UserError:
    return UserError(
        f"{path} is not as `train` wrote it: expected numbers between commas below a line of names"
        " with `step` and `seconds`. Rename or delete it: the checkpoints are whole, and the"
        " training resumes."
    )


class History(keras.callbacks.Callback):
    """Writes `history.csv`: a line after each interval. A resumed run drops later lines.

    Only the chief of several workers has it.
    """

    def __init__(self, path: Path, clock: Clock):
        super().__init__()
        self.path, self.clock = path, clock

    def on_train_begin(self, logs=None):  # noqa: D102
        step = steps_taken(self.model)
        rows = read_history(self.path)
        self.rows = [row | {"step": int(row["step"])} for row in rows if row["step"] <= step]

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        step = steps_taken(self.model)
        row = {"step": step, "seconds": round(self.clock.elapsed, 1)}
        row |= {"learning_rate": float(self.model.optimizer.learning_rate.numpy())}
        self.rows.append(row | {name: float(value) for name, value in logs.items()})
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.path, lambda file: file.write(text.getvalue().encode()))
