import random

import pytest

from pipelines.data.scenes.captions import captions
from pipelines.data.scenes.world import sample_scene
from pipelines.studies.word_classes import CLASSES, word_classes
from t2i_tf.text.tokenizer import split_words


@pytest.mark.parametrize(
    ("caption", "classes"),
    [
        (
            "a green car is parked on green grass on the left",
            "function colour object function verb function background background "
            "function function place",
        ),
        (
            "a herd of elephants is flying in blue skies",
            "function object function object function verb function background background",
        ),
        (
            "there is a bowl of bananas sitting on a kitchen table",
            "function function function object function object verb function function "
            "background background",
        ),
        (
            "the digit seven is at the top left of the image .",
            "function other object function function function place place function function "
            "other punctuation",
        ),
        ("some people, red boats", "function other punctuation colour other"),
    ],
)
def test_each_word_has_its_class(caption, classes):
    assert word_classes(split_words(caption)) == classes.split()


def test_every_word_of_the_scenes_is_known():
    rng = random.Random(0)
    for _ in range(300):
        scene = sample_scene(rng)
        for caption in captions(scene, rng):
            classes = word_classes(caption.split())
            assert set(classes) <= set(CLASSES) - {"other", "punctuation"}, caption
            assert {"object", "verb", "background"} <= set(classes), caption
            assert (classes.count("colour") == 1) == (scene.colour is not None), caption
