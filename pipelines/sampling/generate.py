"""Draw captions into files: a grid of pictures, and of each caption how it was drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipelines.figures.drawing_gif import animation
from pipelines.figures.image_grid import grid
from pipelines.figures.word_attention import alignment_figure
from pipelines.sampling.sampler import Sample, Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically


class Generated(NamedTuple):
    """What `generate` wrote, and the words that the model had to leave unread."""

    files: list[Path]
    unknown_words: list[str]


def generate(
    workdir: Path,
    captions: Sequence[str],
    out: Path,
    *,
    n: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    sharpen: Path | None = None,
) -> Generated:
    """Draw captions with the model of a work folder and write the pictures to the folder `out`.

        grid.png                all pictures, a row for each caption
        drawing-1.gif ...       of each caption the first picture, step by step
        alignment-1.png ...     of the same picture, which words each step attended to; none of a
                                system that sees no words
        sharpened.png           all pictures again, sharpened, where a sharpener is given

    Args:
        workdir: written by `python -m pipelines train`.
        captions: one or more.
        out: made where it is missing; files of the same names are replaced.
        n: pictures a caption.
        seed: of the first picture of each caption; the next have the next seeds.
        temperature: standard deviation of the noise; 0 draws what is most usual.
        sharpen: work folder of a sharpener.

    Raises:
        UserError: for a work folder without such a model, a sharpener of other sizes, a
            caption without words or with too many, no caption, n < 1, a negative temperature, and a
            folder that cannot be written.
    """
    out = Path(out)
    sampler = Sampler(checkpoints.load(workdir), Sharpener.load(sharpen) if sharpen else None)
    rows = sampler.draw(captions, n=n, seed=seed, temperature=temperature)
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = write_drawings(out, rows)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    return Generated(files, sampler.unknown_words(captions))


def draw(
    trained: Trained,
    captions: Sequence[str],
    *,
    n: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
) -> list[list[Sample]]:
    """`Drawer.draw` for one call; whoever draws again and again keeps a `Drawer`."""
    return Sampler(trained).draw(captions, n=n, seed=seed, temperature=temperature)


def write_drawings(out: Path, rows: Sequence[Sequence[Sample]]) -> list[Path]:
    """Write the grids, the GIFs and the alignments of drawn captions; returns the paths."""
    captions = [row[0].caption for row in rows]
    images = np.stack([[drawn.image for drawn in row] for row in rows])
    files = [_write_png(out / "grid.png", grid(images, captions))]
    if rows[0][0].sharpened is not None:
        sharpened = np.stack([[drawn.sharpened for drawn in row] for row in rows])
        files.append(_write_png(out / "sharpened.png", grid(sharpened, captions)))
    for k, (first, *_) in enumerate(rows, start=1):
        moving = out / f"drawing-{k}.gif"
        gif = animation(first.canvases, first.windows)
        write_atomically(moving, lambda file, gif=gif: file.write(gif))
        files.append(moving)
        if first.alignment.size:
            figure = alignment_figure(first.alignment, first.words, first.canvases)
            files.append(_write_png(out / f"alignment-{k}.png", figure))
    return files


def _write_png(path: Path, picture: Image.Image) -> Path:
    write_atomically(path, lambda file: picture.save(file, "PNG"))
    return path
