import itertools
import random

import pytest

from pipelines.data.scenes.caption_parser import Named, read_caption
from pipelines.data.scenes.captions import TALK_CAPTIONS, captions
from pipelines.data.scenes.world import BACKGROUNDS, COLOURS, COUNTS, OBJECTS, PLACES, Scene


def every_scene():
    for name, kind in OBJECTS.items():
        yield from itertools.starmap(
            Scene,
            itertools.product(
                [name],
                COLOURS if kind.coloured else [None],
                kind.backgrounds,
                PLACES,
                COUNTS if kind.herds else ["one"],
            ),
        )


def test_every_scene_is_recovered_from_its_captions():
    rng = random.Random(0)
    for scene in every_scene():
        for caption in (*captions(scene, rng), *captions(scene, rng)):
            named = read_caption(caption)
            assert all(named.right(scene).values()), (caption, named)
            assert named.place or scene.place == "middle"


@pytest.mark.parametrize("study", TALK_CAPTIONS)
def test_the_captions_of_the_talk_are_parsed(study):
    for caption, scene in TALK_CAPTIONS[study]:
        assert all(read_caption(caption).right(scene).values()), caption


def test_the_colour_of_the_ground_is_not_that_of_the_object():
    named = read_caption("an airplane is flying over a green grass field on the left")
    assert named == Named("airplane", "one", None, "left", "green grass")
    assert read_caption("A RED car, in deep snow!").colour == "red"
    assert read_caption("red skies over a car").colour is None


def test_a_wrong_word_makes_only_its_attribute_wrong():
    scene = Scene("car", "red", "snow", "left")
    caption = "a red car is parked in the snow on the left"
    for old, new, attribute in [
        ("red", "blue", "colour"),
        ("red ", "", "colour"),
        ("car", "truck", "object"),
        ("the snow", "the forest", "background"),
        ("on the left", "", "place"),
    ]:
        right = read_caption(caption.replace(old, new)).right(scene)
        assert [name for name, is_right in right.items() if not is_right] == [attribute]
    elephant = Scene("elephant", None, "snow", "left", "herd")
    assert not read_caption("an elephant in the snow on the left").right(elephant)["object"]


def test_a_caption_of_something_else_names_nothing():
    assert read_caption("two people on a bench") == Named(None, None, None, None, None)
    assert read_caption("") == Named(None, None, None, None, None)


def test_backgrounds_differ_by_their_names():
    names = {read_caption(captions(Scene("cat", None, b), random.Random(1))[0]).background
             for b in BACKGROUNDS}  # fmt: skip
    assert names == set(BACKGROUNDS)
