"""What a run has learnt, on one page: its loss, and drawings beside the pictures of the data."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captioned_images
from pipelines.figures.annotated_grid import Cell, Row, sheet
from pipelines.figures.image_grid import SIDE
from pipelines.figures.pixels import PAPER, enlarged
from pipelines.figures.training_curve import training_curve
from pipelines.sampling.sampler import Sampler
from pipelines.training.history import read_history
from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically

FILE = "training.png"
CAPTIONS, SEEDS = 4, 3  # captions of each split, drawings of each
READ = 32  # pictures of a split, among which captions of a usable length are looked for
SPLITS = {"train": "in training", "val": "in validation"}


class TrainingSheet(NamedTuple):
    """The file, and a caption of the validation split; "" where the model draws none."""

    path: Path | None  # None if no validation has taken place
    caption: str


def write_training_sheet(workdir: Path, data: Path) -> TrainingSheet:
    """Writes WORKDIR/training.png, from the best checkpoint.

    Above stands the loss of training and validation. Below, for a system that draws captions, stand
    the first pictures of both splits with a caption each, and drawings of it.

    Raises:
        UserError: the run or the data folder cannot be used.
    """
    trained = checkpoints.load(workdir)
    history = read_history(workdir / "history.csv")
    blocks = _drawn(trained, DataFolder.open(data)) if hasattr(trained.model, "generate") else []
    caption = blocks[-1][0].label if blocks else ""
    if not history:
        return TrainingSheet(None, caption)
    best = checkpoints.CheckpointFolder(workdir / "checkpoints").best()
    parts = [training_curve(history, trained.model.headline[0], trained.model.unit, best)]
    if blocks:
        parts.append(sheet(blocks, ["data", *["drawn"] * SEEDS]))
    page = _stacked(parts)
    write_atomically(workdir / FILE, lambda file: page.save(file, "PNG"))
    return TrainingSheet(workdir / FILE, caption)


def _drawn(trained: Trained, folder: DataFolder) -> list[list[Row]]:
    """A block for each split: its first pictures, and drawings of a caption of each."""
    lengths = LengthRange(trained.config.min_words, trained.config.max_words)
    sampler = Sampler(trained)
    blocks = []
    for split, note in SPLITS.items():
        try:
            shown = read_captioned_images(folder, split, READ, lengths)
        except UserError as error:  # the run is trained all the same
            print(f"{FILE} shows no drawings {note}: {error}")
            continue
        captions = shown.captions[:CAPTIONS]
        blocks.append(
            [
                Row(caption, [_cell(image), *(_cell(drawing.image) for drawing in row)], note=note)
                for caption, image, row in zip(
                    captions, shown.images, sampler.draw(captions, n=SEEDS), strict=False
                )
            ]
        )
    return blocks


def _cell(image) -> Cell:
    return Cell(enlarged(image, SIDE))


def _stacked(parts: Sequence[Image.Image]) -> Image.Image:
    """The images below one another, centred."""
    width = max(part.width for part in parts)
    page = Image.new("RGB", (width, sum(part.height for part in parts)), PAPER)
    top = 0
    for part in parts:
        page.paste(part, ((width - part.width) // 2, top))
        top += part.height
    return page
