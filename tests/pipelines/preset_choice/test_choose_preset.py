import dataclasses
import re

import pytest

from pipelines.cli import parse
from pipelines.preset_choice.choose_preset import (
    DataSummary,
    changed_flags,
    choose,
    choose_for_comparison,
    preset_like,
)
from t2i_tf.presets import PRESETS, TEST_PRESETS, preset

# Number of words -> captions, as in Flickr8k's training split.
FLICKR = {8: 12_000, 12: 10_000, 16: 4_500, 20: 2_800, 25: 660, 30: 18, 37: 22}


def data(pictures, words, source="folder", shape=(32, 32, 3), validation=1_000):
    height, width, channels = shape
    return DataSummary(source, height, width, channels, pictures, validation, words)


def chosen(summary):
    return choose(summary).config("align-draw-photos")


def text(summary):
    return " ".join(choose(summary).lines())


def test_thousands_of_photographs_take_the_preset_as_it_is():
    summary = data(6_000, FLICKR)
    choice = choose(summary)
    assert (choice.world, choice.preset) == ("photos", "align-draw-photos")
    for name in PRESETS:
        if name.endswith("-photos"):
            assert choice.config(name) == preset(name).config
    assert choice.lines() == [
        "6,000 training pictures of 32x32, in colour, with 30,000 captions. Captions of up to 30"
        " words are kept; 0.1 % are longer and left out."
    ]


def test_at_least_99_percent_of_the_captions_are_kept():
    for words in (FLICKR, {60: 30_000}, {5: 500, 40: 500}, {7: 990, 90: 10}, {1: 99, 200: 1}):
        summary = data(6_000, words)
        assert summary.share_above(chosen(summary).max_words) <= 0.01


def test_captions_of_60_words():
    config = chosen(data(6_000, dict.fromkeys(range(40, 61), 500)))
    assert (config.max_words, config.length_multiple) == (60, 20)
    assert "Captions of up to 60 words are kept; none is longer." in text(data(9_000, {60: 9_000}))


def test_captions_of_hundreds_of_words_are_kept_up_to_a_bound():
    summary = data(6_000, {30: 5_000, 2_000: 1_000})
    assert chosen(summary).max_words == 258
    assert "16.7 % are longer and left out" in text(summary)


def test_short_captions_are_padded_to_one_length():
    config = chosen(data(6_000, {3: 3_000, 9: 3_000}))
    assert (config.max_words, config.length_multiple) == (16, 16)


def test_300_pictures():
    summary = data(240, dict.fromkeys(range(6, 18), 100), validation=30)
    config, base = chosen(summary), preset("align-draw-photos").config
    assert (config.max_words, config.length_multiple) == (30, 30)
    assert (config.batch_size, config.minutes, config.patience) == (base.batch_size, 10, 10)
    assert config.report_every == 50
    assert (
        "As there are few pictures: at most 10 minutes; half of them are flipped at random, except"
        ' where a caption says "left" or "right", in English or 24 other languages'
        " (--no-horizontal-flip); a weight decay"
        " of 1 (--optimizer.weight-decay); the end comes after 10 validations without a better one"
        " (--patience 0 trains on)."
    ) in text(summary)
    assert config.horizontal_flip and not base.horizontal_flip
    assert (config.optimizer.weight_decay, base.optimizer.weight_decay) == (1.0, 0.3)
    assert "240 pictures cannot teach" in text(summary)


def test_the_sentence_encoder_sees_no_pictures_to_flip():
    summary = data(240, {9: 240})
    assert not choose(summary).config("skip-thought-photos").horizontal_flip


def test_presets_without_weight_decay_have_none_for_few_pictures():
    assert choose(data(240, {9: 240})).config("lapgan-photos").optimizer.weight_decay == 0


def test_flags_of_switches_have_no_value():
    off = preset("align-draw-photos").config
    on = dataclasses.replace(off, horizontal_flip=True, xla=False)
    assert changed_flags(on, off) == ["--no-xla", "--horizontal-flip"]
    assert changed_flags(off, on) == ["--xla", "--no-horizontal-flip"]


def test_12_pictures():
    summary = data(10, {9: 5, 12: 5}, validation=1)
    config = chosen(summary)
    assert (config.batch_size, config.max_words, config.patience) == (4, 16, 10)
    assert "batches of 4" in text(summary) and "only 1 picture for validation" in text(summary)
    assert choose(summary).config("lapgan-photos").batch_size == 4
    assert chosen(data(1, {4: 1})).batch_size == 4


def test_a_budget_of_the_user_is_not_contradicted():
    lines = choose(data(240, {9: 240})).lines(budget=False)
    assert "minutes" not in " ".join(lines) and "batches of 32" in " ".join(lines)


@pytest.mark.parametrize("name", [name for name in PRESETS if name.endswith("-photos")])
@pytest.mark.parametrize("captions", [40, 1_500, 5_000, 30_000])
@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 64, 1)])
def test_every_preset_for_photographs_fits_few_pictures_and_large_ones(name, captions, shape):
    """A trained model to begin from, and a comparison, may be of any system."""
    summary = data(captions // 5, {10: captions}, shape=shape)
    choice = dataclasses.replace(choose(summary), preset=name)
    config, base = choice.config(name), preset(name).config
    assert config.steps == base.steps
    assert (config.minutes is None) == (base.minutes is None)
    said = " ".join(choice.lines())
    assert "None" not in said
    limited = config.minutes != base.minutes or (config.minutes and shape[0] > 32)
    assert ("minutes" in said) == bool(limited)


def test_grey_pictures_that_are_not_square():
    summary = data(6_000, FLICKR, shape=(30, 50, 1))
    assert "6,000 training pictures of 50x30, grey" in text(summary)
    assert choose(summary).config("lapgan-photos").model.stages == 1
    assert choose(data(6_000, FLICKR)).config("lapgan-photos").model.stages == 2


def test_large_pictures_need_more_time():
    large = data(6_000, FLICKR, shape=(64, 64, 3))
    assert "give more --minutes" in text(large)
    assert "minutes" not in " ".join(choose(large).lines(budget=False))
    assert "minutes" not in text(data(6_000, FLICKR))


def test_known_sources_keep_their_presets():
    assert choose(data(20_000, {8: 20_000}, "scenes")).preset == "align-draw-scenes"
    assert choose(data(50_000, {8: 50_000}, "mnist-captions")).preset == "align-draw-mnist-hour"
    assert choose(data(80_000, FLICKR, "coco")).preset == "align-draw-photos"
    sources = ("scenes", "mnist-captions", "coco", "authors", "folder")
    worlds = [choose_for_comparison(data(20, {8: 20}, source)).world for source in sources]
    assert worlds == ["scenes", "mnist-hour", "coco", "coco", "photos"]
    few = choose_for_comparison(data(20, {8: 20}, "coco"))
    assert few.config("align-draw-coco") == preset("align-draw-coco").config


@pytest.mark.parametrize("name", [*PRESETS, *TEST_PRESETS])
def test_a_preset_of_the_same_system_is_found(name):
    found = preset_like(preset(name).config)
    system = re.sub(r"-(mnist-hour|[a-z]+(-\d+)?)$", "", name)
    assert found.rpartition("-")[0] == system


def test_flags_give_the_settings_that_the_data_change():
    base = preset("lapgan-photos").config
    config = choose(data(10, {70: 10}, shape=(30, 50, 1))).config("lapgan-photos")
    flags = changed_flags(config, base, but=("minutes",))
    assert {"--model.stages", "--max-words", "--horizontal-flip"} <= set(flags)
    given = ["--data", "d", "--workdir", "w", "--minutes", str(config.minutes)]
    assert parse(["train", "--preset", "lapgan-photos", *given, *flags]).config == config
    assert changed_flags(base, dataclasses.replace(base)) == []
