from pipelines.data.scenes.caption_parser import read_caption
from pipelines.data.scenes.world import Scene
from pipelines.studies.caption_match import match_caption, match_mark, match_rates, rates_text

CAPTION = "a red car is parked in the snow on the left"
SCENE = Scene("car", "red", "snow", "left")


def test_a_scene_is_compared_attribute_by_attribute():
    assert match_caption(CAPTION, SCENE) == dict.fromkeys(
        ("object", "colour", "background", "place"), True
    )
    seen = Scene("car", "blue", "snow", "middle")
    assert match_caption(CAPTION, seen) == {
        "object": True,
        "colour": False,
        "background": True,
        "place": False,
    }


def test_what_a_caption_does_not_name_is_not_compared():
    assert match_caption("a stop sign", Scene("stop sign", None, "night")) == {
        "object": True,
        "place": True,
    }
    assert match_caption("two people on a bench", SCENE) == {}


def test_a_caption_is_compared_as_a_scene_is():
    assert all(match_caption(CAPTION, read_caption(CAPTION)).values())
    other = read_caption("a herd of cats in the snow")
    match = match_caption("a car is parked in the snow", other)
    assert match == {"object": False, "background": True, "place": True}


def test_rates_count_what_was_compared():
    matches = [{"object": True, "place": True}, {"object": True, "place": False}, {}]
    assert match_rates(matches) == {
        "object": 1.0,
        "colour": None,
        "background": None,
        "place": 0.5,
        "all": 0.5,
    }
    assert rates_text(matches) == "object 100%, place 50%, all 50%"


def test_marks_below_an_image():
    assert match_mark({}) == ""
    assert match_mark({"object": True}) == "✓"
    assert match_mark({"object": False, "colour": True, "place": False}) == "✗ object, place"
