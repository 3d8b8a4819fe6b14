from dataclasses import replace

import numpy as np
import pytest

from pipelines.studies.prompts import talk_prompts
from pipelines.studies.word_flips import study_flips
from t2i_tf.errors import UsageError


def rows_of(found, *columns):
    return [{name: row[name] for name in columns} for row in found.table]


def test_a_colour_moves_the_object_alone(context):
    found = study_flips("colours", context, (), seeds=2, seed=0)
    assert [row["caption"].split()[1] for row in found.table] == ["yellow", "red", "green", "blue"]
    first, *others = found.table
    assert first["whole"] is None and first["all"] == 1
    for row in others:
        assert row["inside"] == pytest.approx(row["inside wanted"], rel=0.05)
        assert row["inside"] > 0.1 > 0.01 > row["outside"]
        assert row["all"] == 1
    assert found.details["between_seeds"] == pytest.approx(1 / 255)
    assert found.details["region"] == ["scene"]
    assert list(found.figures) == ["colours"]


def test_a_background_moves_what_is_outside(context):
    found = study_flips("backgrounds", context, (), seeds=1, seed=3)
    assert len(found.table) == 4 and found.details["between_seeds"] is None
    for row in (found.table[1], found.table[3]):
        assert row["outside"] > 2 * row["inside"]


def test_a_system_that_ignores_the_caption_does_not_change(context, monkeypatch):
    plain = context.sampler.draw_pairs
    monkeypatch.setattr(
        context.sampler,
        "draw_pairs",
        lambda pairs, **_: plain(
            [("a cat is walking across a green grass field", s) for _, s in pairs]
        ),
    )
    found = study_flips("objects", context, (), seeds=2, seed=0)
    assert [row["inside"] for row in found.table] == [None, 0, None, 0]
    assert [judged["object"] for judged in found.details["judge"].values()] == [0, 0, 1, 0]
    assert [row["all"] for row in found.table] == [0, 0, 1, 0]


def test_sentences_given_are_one_flip(context):
    captions = ["a red car is parked in the snow", "a red house is standing in the snow"]
    found = study_flips("objects", context, captions, seeds=1, seed=0)
    assert rows_of(found, "caption", "all") == [{"caption": c, "all": 1.0} for c in captions]
    with pytest.raises(UsageError, match="two sentences"):
        study_flips("objects", context, captions[:1], seeds=1, seed=0)


def test_without_a_judge_the_write_windows_locate_the_object(context, monkeypatch):
    plain = context.sampler.draw_pairs
    windows = np.array([[0, 0, 15, 15], [4, 4, 12, 12]], np.float32)
    monkeypatch.setattr(
        context.sampler,
        "draw_pairs",
        lambda pairs, **_: [one._replace(windows=windows) for one in plain(pairs)],
    )
    captions = ["a red bus is parked in the snow", "a blue bus is parked in the snow"]
    captions = [caption.replace("bus", "school bus") for caption in captions]
    photographs = replace(context, scenes=False)
    found = study_flips("colours", photographs, captions, seeds=1, seed=0)
    assert found.details["region"] == ["windows"]
    assert found.table[1]["inside"] > found.table[1]["outside"]
    assert set(found.table[1]) == {"caption", "whole", "inside", "outside"}
    assert not any(found.details["judge"].values())
    assert "No judge" in found.text


def test_where_the_object_is_unknown_there_is_one_change(context):
    photographs = replace(context, scenes=False)
    captions = ["a red car is parked in the snow", "a blue car is parked in the snow"]
    windows = np.array([[0, 0, 15, 15]], np.float32)
    plain = context.sampler.draw_pairs
    photographs.sampler.draw_pairs = lambda pairs, **_: [
        one._replace(windows=windows) for one in plain(pairs)
    ]
    found = study_flips("colours", photographs, captions, seeds=1, seed=0)
    assert found.details["region"] == [None]
    assert found.table[1]["inside"] is None and found.table[1]["whole"] > 0
    assert "The object's region is unknown" in found.text


def test_the_talk_is_worded_in_the_vocabulary(context):
    assert len(talk_prompts("backgrounds", context)) == 2
    photographs = replace(context, scenes=False)
    known = {"a", "vintage", "photo", "of", "cat", "dog"}
    context.sampler.unknown_words = lambda captions: [
        w for caption in captions for w in caption.split() if w not in known
    ]
    assert talk_prompts("objects", photographs) == [
        ("a vintage photo of a cat", "a vintage photo of a dog")
    ]
    with pytest.raises(UsageError, match="Give sentences of your own"):
        talk_prompts("colours", photographs)
