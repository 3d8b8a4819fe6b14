import numpy as np
import pytest

from pipelines.data.scenes.renderer import draw_background, reduce, render
from pipelines.data.scenes.world import Scene
from pipelines.figures.change_map import change_map
from pipelines.studies.object_region import (
    change,
    object_region,
    scene_of,
    written_region,
)


def test_change_is_a_share_of_the_range():
    before = np.zeros((2, 2, 2, 1), np.uint8)
    after = before.copy()
    after[:, 0, 0] = 255
    after[0, 1, 1] = 51
    region = np.array([[True, False], [False, False]])
    found = change(before, after, region)
    assert found.whole == pytest.approx((1 + 0.1) / 4)
    assert (found.inside, found.outside) == (pytest.approx(1.0), pytest.approx(0.1 / 3))
    assert change(after, before, region) == found  # not below zero


@pytest.mark.parametrize("region", [None, np.zeros((2, 2), bool), np.ones((2, 2), bool)])
def test_without_two_sides_there_is_one_change(region):
    pictures = np.zeros((1, 2, 2, 3), np.uint8)
    assert change(pictures, pictures, region) == (0.0, None, None)


@pytest.mark.parametrize(
    "scene",
    [Scene("school bus", "red", "snow", "left"), Scene("elephant", None, "desert", count="herd")],
)
def test_the_region_holds_the_object_and_little_else(judge, scene):
    region = object_region(judge, [scene])
    empty = reduce(draw_background(scene.background, 32))
    touched = (render(scene, 32) != empty).any(-1)
    assert (touched & region).sum() > 0.9 * region.sum() * 0.8
    assert np.abs(render(scene, 32).astype(int) - empty)[~region].mean() < 2
    assert 0.1 < region.mean() < 0.5


def test_the_region_of_two_scenes_holds_both(judge):
    left, right = (Scene("car", "red", "snow", place) for place in ("left", "right"))
    both = object_region(judge, [left, right])
    np.testing.assert_array_equal(
        both, object_region(judge, [left]) | object_region(judge, [right])
    )


def test_captions_describe_scenes():
    assert scene_of("a red car is parked in deep snow on the left") == Scene(
        "car", "red", "snow", "left"
    )
    assert scene_of("a cat on the table").place == "middle"
    assert scene_of("a red car") is None and scene_of("in the snow") is None


def test_pixels_that_are_written_most():
    windows = np.array([[[0, 0, 3, 3], [1, 1, 2, 2], [1, 1, 2, 2]]], float)
    expected = np.zeros((4, 4), bool)
    expected[1:3, 1:3] = True
    np.testing.assert_array_equal(written_region(windows, (4, 4)), expected)
    assert written_region(windows[:, :1], (4, 4)) is None


def test_the_map_is_dark_where_it_changed_and_outlined():
    difference = np.zeros((4, 6))
    difference[1, 2] = 0.5
    region = np.zeros((4, 6), bool)
    region[1:3, 1:5] = True
    plain = np.asarray(change_map(difference, None, 0.5, 60)).astype(int)
    assert plain.shape == (40, 60, 3)
    assert plain[15, 25].sum() < 300 < 700 < plain[35, 55].sum()
    outlined = np.asarray(change_map(difference, region, 0.5, 60)).astype(int)
    marked = (outlined != plain).any(-1)
    assert marked[10, 10:50].all() and marked[10:30, 10].all() and marked[29, 10:50].all()
    assert not marked[11:29, 11:49].any() and not marked[:10].any()
