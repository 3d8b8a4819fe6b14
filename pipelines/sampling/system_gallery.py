"""What several systems draw for the same captions: a row for each system."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pipelines.figures.pixels import INK, PAPER, enlarged, font, wrapped
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically

SIDE = 96  # the longer side of a picture, pixels, unless it has more
GAP, MARGIN = 8, 20
LABEL_WIDTH = 150
FONT_SIZE, LINE_SPACING = 13, 4


def draw_gallery(
    workdirs: Sequence[Path],
    captions: Sequence[str],
    out: Path,
    *,
    sharpen: Path | None = None,
    seed: int = 0,
) -> Path:
    """Draw every caption with every system, from the same seed, into one picture.

    Args:
        workdirs: of the systems, a row each.
        captions: a column each.
        out: the PNG.
        sharpen: work folder of a sharpener: what it makes of the first row is the last one.
        seed: of every picture.

    Raises:
        UserError: see `Drawer.draw`; also for pictures of several sizes, and a file that cannot be
            written.
    """
    rows = draw_rows(workdirs, captions, sharpen=sharpen, seed=seed)
    write_gallery(rows, captions, out)
    return out


def draw_rows(
    workdirs: Sequence[Path],
    captions: Sequence[str],
    *,
    sharpen: Path | None = None,
    sharpened: int = 0,
    seed: int = 0,
) -> dict[str, list[np.ndarray]]:
    """What each system draws for the captions, uint8 [H, W, C], by the systems' names.

    Args:
        workdirs: of the systems.
        captions: each drawn from the same seed.
        sharpen: work folder of a sharpener.
        sharpened: the number of the system whose pictures are sharpened, in the last row.
        seed: of every picture.

    Raises:
        UserError: see `Drawer.draw`; also for pictures of several sizes.
    """
    sharpener = Sharpener.load(sharpen) if sharpen else None
    rows: dict[str, list[np.ndarray]] = {}
    last: dict[str, list[np.ndarray]] = {}
    for k, workdir in enumerate(workdirs):
        chosen = sharpener if k == sharpened else None
        sampler = Sampler(checkpoints.load(workdir), chosen)
        drawn = [first for first, *_ in sampler.draw(captions, seed=seed)]
        name = sampler.model.title
        rows[name if name not in rows else f"{name} ({workdir.name})"] = [d.image for d in drawn]
        if chosen:
            last = {f"{name}, sharpened": [d.sharpened for d in drawn]}
    sizes = {row[0].shape for row in rows.values()}
    if len(sizes) > 1:
        raise UserError(f"The systems draw pictures of several sizes: {sorted(sizes)}.")
    return rows | last


def write_gallery(
    rows: Mapping[str, Sequence[np.ndarray]], captions: Sequence[str], out: Path
) -> None:
    """Write the `gallery` of named rows; UserError where the file cannot be written."""
    picture = gallery(np.array(list(rows.values())), list(rows), captions)
    try:
        write_atomically(out, lambda file: picture.save(file, "PNG", optimize=True))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error


def gallery(images: np.ndarray, names: Sequence[str], captions: Sequence[str]) -> Image.Image:
    """A table of pictures, with names at its left and captions above.

    Args:
        images: uint8 [rows, columns, H, W, C], 1 or 3 channels.
        names: one a row.
        captions: one a column.

    Raises:
        ValueError: the sizes do not fit together.
    """
    if images.ndim != 5 or images.shape[:2] != (len(names), len(captions)) or 0 in images.shape:
        raise ValueError(
            f"Expected pictures [{len(names)}, {len(captions)}, H, W, C], got {list(images.shape)}."
        )
    face = font(FONT_SIZE)
    width, height = enlarged(images[0, 0], SIDE).size
    headers = [wrapped(caption, face, width) for caption in captions]
    top = MARGIN + max(text.count("\n") + 1 for text in headers) * (FONT_SIZE + LINE_SPACING) + GAP
    left = MARGIN + LABEL_WIDTH
    size = left + len(captions) * (width + GAP) + MARGIN, top + len(names) * (height + GAP) + MARGIN
    page = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(page)
    for column, text in enumerate(headers):
        x = left + column * (width + GAP)
        draw.text((x, top - GAP), text, INK, face, "ld", LINE_SPACING)
    for row, name in enumerate(names):
        y = top + row * (height + GAP)
        label = wrapped(name, face, LABEL_WIDTH - GAP)
        draw.text((MARGIN, y + height // 2), label, INK, face, "lm", LINE_SPACING)
        for column in range(len(captions)):
            page.paste(enlarged(images[row, column], SIDE), (left + column * (width + GAP), y))
    return page
