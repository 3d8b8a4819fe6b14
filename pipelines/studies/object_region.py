"""Where in an image the object of a caption is, and how much of a change lies there."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipelines.data.scenes.caption_parser import read_caption
from pipelines.data.scenes.renderer import Jitter
from pipelines.data.scenes.world import OBJECTS, Scene
from pipelines.judges.scene_judge import SHIFTS, SceneJudge


class Change(NamedTuple):
    """Mean absolute difference of images, as a share of the range of a pixel: 0 to 1."""

    whole: float
    inside: float | None = None  # the object's region; None where that is unknown
    outside: float | None = None


def mean_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Mean |difference| of images uint8 [n, H, W, C] over images and channels, [H, W]."""
    return np.abs(after.astype(float) - before.astype(float)).mean((0, 3)) / 255


def change(before: np.ndarray, after: np.ndarray, region: np.ndarray | None) -> Change:
    """How much images uint8 [n, H, W, C] differ inside and outside a region, bool [H, W]."""
    difference = mean_change(before, after)
    if region is None or region.all() or not region.any():
        return Change(float(difference.mean()))
    return Change(
        float(difference.mean()),
        float(difference[region].mean()),
        float(difference[~region].mean()),
    )


def scene_of(caption: str) -> Scene | None:
    """The scene that a caption describes.

    None where it names no object or no background, or leaves out the colour of an object that
    comes in several.
    """
    named = read_caption(caption)
    if named.object is None or named.background is None:
        return None
    if OBJECTS[named.object].coloured and named.colour is None:
        return None
    place, count = named.place or "middle", named.count or "one"
    return Scene(named.object, named.colour, named.background, place, count)


def object_region(judge: SceneJudge, scenes: Sequence[Scene]) -> np.ndarray:
    """The pixels of the objects of all scenes, with a margin of a pixel: bool [H, W]."""
    alphas = [judge.layer(scene, Jitter(dx=dx, dy=dy))[1] for scene in scenes for dx, dy in SHIFTS]
    return (np.stack(alphas) > 0.5).any(0)[:, :, 0]


def written_region(windows: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """The pixels, bool [H, W], that the write windows cover more often than half-way to the most.

    A stand-in for the object's region where the object is unknown: a system that draws in steps
    writes most often where there is most to draw (our choice).

    Args:
        windows: float [..., 4]: top, left, bottom, right, pixels.
        size: H, W.

    Returns:
        None where all pixels are covered equally: the system does not choose where to write.
    """
    top, left, bottom, right = np.moveaxis(windows.reshape(-1, 4, 1), 1, 0)
    y, x = np.arange(size[0]), np.arange(size[1])
    rows, columns = (top <= y) & (y <= bottom), (left <= x) & (x <= right)
    covered = np.einsum("kh,kw->hw", rows.astype(float), columns.astype(float))
    if covered.min() == covered.max():
        return None
    return covered > (covered.min() + covered.max()) / 2
