"""Images of the same captions by several systems, a row for each system."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipelines.figures.image_grid import grid
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.sharpener import Sharpener
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import write_atomically
from t2i_tf.hub.pretrained import load_trained

SIDE = 96  # the longer side of an image, pixels, unless it has more


def draw_gallery(
    workdirs: Sequence[str | Path],
    captions: Sequence[str],
    out: Path,
    *,
    sharpen: str | Path | None = None,
    seed: int = 0,
) -> Path:
    """Draw every caption with every system, from the same seed, into one figure.

    Args:
        workdirs: Work folders or presets of the systems, a row each.
        captions: Captions, a column each.
        out: PNG file to write.
        sharpen: Work folder or preset of a sharpener; the last row is the first one, sharpened.
        seed: Seed of every image.

    Raises:
        UserError: see `draw_rows`; also if the file cannot be written.
    """
    rows = draw_rows(workdirs, captions, sharpen=sharpen, seed=seed)
    write_gallery(rows, captions, out)
    return out


def draw_rows(
    workdirs: Sequence[str | Path],
    captions: Sequence[str],
    *,
    sharpen: str | Path | None = None,
    sharpened: int = 0,
    seed: int = 0,
) -> dict[str, list[np.ndarray]]:
    """Draw the captions with each system.

    Args:
        workdirs: Work folders or presets of the systems.
        captions: Captions, all drawn from the same seed.
        sharpen: Work folder or preset of a sharpener.
        sharpened: Index of the system whose images are sharpened for the last row.
        seed: Seed of every image.

    Returns:
        Name of the system -> an image for each caption, uint8 [H, W, C].

    Raises:
        UsageError: there is no system.
        UserError: see `Sampler` and `Sampler.draw`, with the folder; also if images differ in size.
    """
    if not workdirs:
        raise UsageError("Expected at least one work folder or preset of a system, got none.")
    sharpener = Sharpener.load(sharpen) if sharpen else None
    rows: dict[str, list[np.ndarray]] = {}
    last: dict[str, list[np.ndarray]] = {}
    for k, workdir in enumerate(workdirs):
        sampler = _open_sampler(workdir, sharpener if k == sharpened else None)
        samples = [first for first, *_ in sampler.draw(captions, seed=seed)]
        name = sampler.model.title
        labels = (name, f"{name} ({Path(workdir).name})", f"{name} ({workdir})")
        label = next((one for one in labels if one not in rows), f"{name} ({workdir}, {k + 1})")
        rows[label] = [s.image for s in samples]
        if unknown := sampler.unknown_words(captions):
            words = ", ".join(unknown)
            print(f"Words that are not in the vocabulary of {label}: {words}.")
        if sampler.sharpener:
            last = {f"{name}, sharpened": [s.sharpened for s in samples]}
    sizes = {label: "x".join(map(str, row[0].shape)) for label, row in rows.items()}
    if len(set(sizes.values())) > 1:
        drawn = ", ".join(f"{size} by {label}" for label, size in sizes.items())
        raise UserError(f"Expected systems that draw images of one size, got {drawn}.")
    return rows | last


def _open_sampler(workdir: str | Path, sharpener: Sharpener | None) -> Sampler:
    """The sampler of one of several systems: an error names its folder."""
    trained = load_trained(workdir)
    try:
        return Sampler(trained, sharpener)
    except UserError as error:
        raise UserError(f"{workdir}: {error}") from error


def write_gallery(
    rows: Mapping[str, Sequence[np.ndarray]], captions: Sequence[str], out: Path
) -> None:
    """Write the rows as one PNG, a column for each caption.

    Raises:
        UserError: the file cannot be written.
    """
    figure = grid(np.array(list(rows.values())), list(rows), captions, SIDE)
    try:
        write_atomically(out, lambda file: figure.save(file, "PNG", optimize=True))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
