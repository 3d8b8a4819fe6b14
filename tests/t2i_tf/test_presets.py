import pytest

from t2i_tf.config import DrawConfig
from t2i_tf.errors import UsageError, did_you_mean
from t2i_tf.presets import PRESETS, TEST_PRESETS, preset


def test_an_unknown_preset_is_refused_with_the_closest():
    with pytest.raises(UsageError, match="Did you mean 'align-draw-scenes'"):
        preset("align-draw-scene")


def test_without_a_close_choice_all_are_named():
    assert did_you_mean("xyz", ["one", "two"]) == "Choose one of: one, two."


def test_the_default_config_is_the_preset_of_the_paper():
    assert preset("align-draw-coco").config.model == DrawConfig()


def test_presets_for_tests_are_found_by_name_and_never_suggested():
    assert not TEST_PRESETS.keys() & PRESETS.keys()
    assert all(name.endswith("-tiny") for name in TEST_PRESETS)
    for name, entry in TEST_PRESETS.items():
        assert preset(name) is entry
    for name in ("align-draw-tin", "no such preset"):
        with pytest.raises(UsageError) as refusal:
            preset(name)
        assert "tiny" not in str(refusal.value)


@pytest.mark.parametrize("name", [*PRESETS, *TEST_PRESETS])
def test_a_preset_states_command_cost_and_what_comes_next(name):
    entry = preset(name)
    assert f"--preset {name}" in entry.command(name)
    assert ("--sentences" in entry.command(name)) == entry.config.reads_sentences
    assert entry.data and entry.cost and entry.expect
    assert "{workdir}" in entry.next


@pytest.mark.parametrize("world", ["scenes", "mnist", "mnist-hour", "coco", "photos", "tiny"])
def test_a_preset_of_a_draw_system_is_named_after_its_conditioning(world):
    for system, conditioning in (("align", "align"), ("noalign", "average")):
        assert preset(f"{system}-draw-{world}").config.model.conditioning == conditioning
    sentence = preset(f"skip-thought-draw-{world}").config
    assert sentence.model.conditioning == "sentence" and sentence.reads_sentences
