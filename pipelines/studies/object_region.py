"""Where in a picture the object of a caption is, and how much of a change lies there."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipelines.data.scenes.caption_parser import read_caption
from pipelines.data.scenes.renderer import Jitter
from pipelines.data.scenes.world import OBJECTS, Scene
from pipelines.judges.scene_judge import SHIFTS, SceneJudge


class Change(NamedTuple):
    """Mean |difference| of pictures, as a share of the range of a pixel: 0 to 1."""

    whole: float
    inside: float | None = None  # the object's region; None where that is not known
    outside: float | None = None


def mean_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Mean |difference| of pictures uint8 [n, H, W, C] over pictures and channels, [H, W]."""
    return np.abs(after.astype(float) - before.astype(float)).mean((0, 3)) / 255


def change(before: np.ndarray, after: np.ndarray, region: np.ndarray | None) -> Change:
    """How much pictures uint8 [n, H, W, C] differ, inside and outside a region, bool [H, W]."""
    difference = mean_change(before, after)
    if region is None or region.all() or not region.any():
        return Change(float(difference.mean()))
    return Change(
        float(difference.mean()),
        float(difference[region].mean()),
        float(difference[~region].mean()),
    )


def scene_of(caption: str) -> Scene | None:
    """The scene that a caption tells.

    None where it names no object or no background, or not the colour of an object that has several.
    """
    named = read_caption(caption)
    if named.object is None or named.background is None:
        return None
    if OBJECTS[named.object].coloured and named.colour is None:
        return None
    place, count = named.place or "middle", named.count or "one"
    return Scene(named.object, named.colour, named.background, place, count)


def object_region(judge: SceneJudge, scenes: Sequence[Scene]) -> np.ndarray:
    """The pixels, bool [H, W], of the objects of any of the scenes, a pixel off or not."""
    alphas = [judge.layer(scene, Jitter(dx=dx, dy=dy))[1] for scene in scenes for dx, dy in SHIFTS]
    return (np.stack(alphas) > 0.5).any(0)[:, :, 0]


def written_region(windows: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """The pixels, bool [H, W], that more write windows cover than half way to the most covered.

    A stand-in for the object where nothing tells what that is: a system that draws by steps writes
    most often where there is most to draw.

    Args:
        windows: float [..., 4]: top, left, bottom, right, pixels.
        size: H, W.

    Returns:
        None where all pixels are covered alike: the system does not choose where it writes.
    """
    top, left, bottom, right = np.moveaxis(windows.reshape(-1, 4, 1), 1, 0)
    y, x = np.arange(size[0]), np.arange(size[1])
    rows, columns = (top <= y) & (y <= bottom), (left <= x) & (x <= right)
    covered = np.einsum("kh,kw->hw", rows.astype(float), columns.astype(float))
    if covered.min() == covered.max():
        return None
    return covered > (covered.min() + covered.max()) / 2
