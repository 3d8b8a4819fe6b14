"""What several systems draw for the same captions: a row for each system."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipelines.figures.image_grid import grid
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf import checkpoints
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically

SIDE = 96  # the longer side of an image, pixels, unless it has more


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
    """Write the rows as one PNG, a column for each caption.

    Raises:
        UserError: the file cannot be written.
    """
    picture = grid(np.array(list(rows.values())), list(rows), captions, SIDE)
    try:
        write_atomically(out, lambda file: picture.save(file, "PNG", optimize=True))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
