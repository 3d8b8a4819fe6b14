"""Draw captions into files: a grid of images, and how the first image of each was drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipelines.figures.drawing_gif import animation
from pipelines.figures.image_grid import grid
from pipelines.figures.word_attention import alignment_figure
from pipelines.output_places import check_folder
from pipelines.sampling.sampler import UNSTEERED, Sample, Sampler
from pipelines.sampling.sharpener import Sharpener
from pipelines.sampling.steering import Steering
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import file_sha256, write_atomically
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.json_files import read_json, write_json

WRITTEN = ".written.json"  # the files of the last call, with their SHA-256
_FORGET = "Delete it: the drawings are whole, and those of the calls before stay."


class Generated(NamedTuple):
    """The files that `generate` wrote, and the words outside the model's vocabulary."""

    files: list[Path]
    unknown_words: list[str]


def generate(
    model: str | Path,
    captions: Sequence[str],
    out: Path,
    *,
    n: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    sharpen: str | Path | None = None,
    steering: Steering = UNSTEERED,
) -> Generated:
    """Draw captions with a trained model and write the images to the folder `out`.

        grid.png                all images, a row for each caption
        drawing-1.gif ...       the first image of each caption, step by step
        alignment-1.png ...     the words that each step of this image attended to, if the system
                                attends to words
        sharpened.png           all images after sharpening, if there is a sharpener

    Args:
        model: What `from_preset` loads: a work folder, the name of weights that ship, ...
        captions: One caption or more.
        out: Output folder, created if it is missing; files of the same names are replaced, and what
            an earlier call wrote there and nobody changed since is removed.
        n: Number of images per caption.
        seed: Seed of the first image of each caption; the next images have the next seeds.
        temperature: Standard deviation of the noise; 0 draws the mean of the prior at each step.
        sharpen: Work folder or preset of a sharpener.
        steering: Guidance and best of n. The seeds of chosen images are printed.

    Raises:
        UsageError: see `Steering.checked`; there is no caption, n < 1, or `out` is a file, or named
            like one.
        UserError: there is no such model, it draws no captions, it cannot be guided or judged in
            this way, the sharpener was trained for another size, a caption has no words or too
            many, the temperature is negative, or the folder cannot be written.
    """
    out, sharpener = _checked_folder(Path(out)), Sharpener.load(sharpen) if sharpen else None
    sampler = Sampler(load_trained(model), sharpener, steering)
    rows = sampler.draw(captions, n=n, seed=seed, temperature=temperature)
    if steering.best_of > 1:
        for caption, row in zip(captions, rows, strict=True):
            seeds = ", ".join(str(sample.seed) for sample in row)
            print(f"Best of {steering.best_of} of {caption!r}: seeds {seeds}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = write_drawings(out, rows)
        _remove_stale(out, files)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    read = [*captions, *filter(None, [steering.instead_of])]
    return Generated(files, sampler.unknown_words(read))


def _checked_folder(out: Path) -> Path:
    """Refuse what cannot be written, and a picture's name, which would become a folder's name."""
    named_like_a_file = out.suffix.lower() in (".png", ".gif", ".jpg", ".jpeg")
    if not out.is_dir() and (named_like_a_file or out.exists()):
        raise UsageError(
            f"Expected a folder for the drawings, got the file {out}: the grid, GIFs and alignments"
            " are files of their own."
        )
    check_folder(out)
    return out


def write_drawings(out: Path, rows: Sequence[Sequence[Sample]]) -> list[Path]:
    """Write the grids, GIFs and alignments of drawn captions; returns their paths."""
    captions = [row[0].caption for row in rows]
    images = np.stack([[sample.image for sample in row] for row in rows])
    files = [_write_png(out / "grid.png", grid(images, captions))]
    if rows[0][0].sharpened is not None:
        sharpened = np.stack([[sample.sharpened for sample in row] for row in rows])
        files.append(_write_png(out / "sharpened.png", grid(sharpened, captions)))
    for k, (first, *_) in enumerate(rows, start=1):
        path = out / f"drawing-{k}.gif"
        gif = animation(first.canvases, first.windows)
        write_atomically(path, lambda file, gif=gif: file.write(gif))
        files.append(path)
        if first.alignment.size:
            figure = alignment_figure(first.alignment, first.words, first.canvases)
            files.append(_write_png(out / f"alignment-{k}.png", figure))
    return files


def _remove_stale(out: Path, files: Sequence[Path]) -> None:
    """Removes the unchanged files of the last call that this one did not write, and says so."""
    record = out / WRITTEN
    earlier = read_json(record, dict[str, str], _FORGET) if record.exists() else {}
    names = {file.name for file in files}
    for name, digest in earlier.items():
        path = out / Path(name).name
        if path.name not in names and path.is_file() and file_sha256(path) == digest:
            path.unlink()
            print(f"Removed {path}, of an earlier call.")
    write_json(record, {file.name: file_sha256(file) for file in files})


def _write_png(path: Path, picture: Image.Image) -> Path:
    write_atomically(path, lambda file: picture.save(file, "PNG"))
    return path
