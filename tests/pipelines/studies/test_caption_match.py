from pipelines.data.scenes.caption_parser import read_caption
from pipelines.data.scenes.world import Scene
from pipelines.studies.caption_match import in_words, shares, verdict

CAPTION = "a red car is parked in the snow on the left"
SCENE = Scene("car", "red", "snow", "left")


def test_what_was_asked_is_compared_attribute_by_attribute():
    assert verdict(CAPTION, SCENE) == dict.fromkeys(
        ("object", "colour", "background", "place"), True
    )
    seen = Scene("car", "blue", "snow", "middle")
    assert verdict(CAPTION, seen) == {
        "object": True,
        "colour": False,
        "background": True,
        "place": False,
    }


def test_what_a_caption_leaves_open_is_not_compared():
    assert verdict("a stop sign", Scene("stop sign", None, "night")) == {
        "object": True,
        "place": True,
    }
    assert verdict("two people on a bench", SCENE) == {}


def test_a_caption_is_compared_as_a_scene_is():
    assert all(verdict(CAPTION, read_caption(CAPTION)).values())
    said = verdict("a car is parked in the snow", read_caption("a herd of cats in the snow"))
    assert said == {"object": False, "background": True, "place": True}


def test_shares_count_what_was_asked():
    verdicts = [{"object": True, "place": True}, {"object": True, "place": False}, {}]
    assert shares(verdicts) == {
        "object": 1.0,
        "colour": None,
        "background": None,
        "place": 0.5,
        "all": 0.5,
    }


def test_words_below_a_picture():
    assert in_words({}) == ""
    assert in_words({"object": True}) == "✓"
    assert in_words({"object": False, "colour": True, "place": False}) == "✗ object, place"
