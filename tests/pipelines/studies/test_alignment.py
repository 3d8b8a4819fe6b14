import math

import numpy as np
import pytest

from pipelines.sampling.sampler import Sample
from pipelines.studies.alignment import measure_attention, study_alignment
from pipelines.studies.word_classes import CLASSES
from t2i_tf.errors import UsageError, UserError
from t2i_tf.models.conv_draw import ConvDRAW

CAPTION = ("a", "red", "car", "in", "snow")


def drawn(alignment, words=CAPTION):
    alignment = np.array(alignment, np.float32)
    canvases = np.zeros((len(alignment), 4, 4, 3), np.uint8)
    windows = np.zeros((len(alignment), 4), np.float32)
    return Sample(" ".join(words), 0, words, canvases[-1], canvases, alignment, windows)


def index(name):
    return CLASSES.index(name)


def test_entropy_and_shares_of_a_hand_made_alignment():
    attention = measure_attention(
        [drawn([[0.2] * 5, [0, 0, 0, 0, 1], [0, 0.5, 0.5, 0, 0]]), drawn([[0.5, 0.5]] * 3, "ab")]
    )
    log = math.log
    np.testing.assert_allclose(attention.uniform, [log(5), log(2)])
    np.testing.assert_allclose(attention.entropy, [[log(5), 0, log(2)], [log(2)] * 3], atol=1e-6)
    np.testing.assert_allclose(attention.class_shares.sum(-1), 1, rtol=1e-6)
    first = attention.class_shares[0]
    assert first[0, index("function")] == pytest.approx(0.4)
    assert first[1, index("background")] == 1
    assert first[2, index("colour")] == first[2, index("object")] == 0.5
    np.testing.assert_allclose(attention.word_shares[0, index("function")], 0.4)
    assert attention.peak_classes[0, 1] == index("background")


def test_captions_of_one_word_are_refused():
    with pytest.raises(UserError, match="two words or more"):
        measure_attention([])


def test_uniform_attention_has_no_margin(context):
    captions = ["a red car is parked in the snow", "a cat is walking across the table"]
    found = study_alignment(context, captions, captions=9, seed=0)
    assert found.details["margin"]["nats"] == pytest.approx(0, abs=1e-6)
    assert [row["step"] for row in found.table] == ["1", "2", "uniform"]
    for row in found.table[:-1]:
        assert row["entropy"] == pytest.approx(1)
        assert row["background"] == pytest.approx(found.table[-1]["background"])
    assert "nearly uniform, above 95%, at steps 1, 2." in found.text and "favour" not in found.text
    assert list(found.figures) == ["alignment", "alignment-words-1", "alignment-words-2"]


def test_a_mean_over_places_is_said_to_be_one(context, monkeypatch):
    captions = ["a red car is parked in the snow"]
    assert "Each place" not in study_alignment(context, captions, captions=9, seed=0).text
    monkeypatch.setattr(context.sampler.model, "attends_from_places", ConvDRAW.attends_from_places)
    found = study_alignment(context, captions, captions=9, seed=0)
    assert "Each place of PerfectSampler attends for itself. This is their mean" in found.text


def test_sharp_attention_has_a_margin(context, monkeypatch):
    """Step 1 attends to the last word alone, step 2 to all words equally."""

    def sharp(one):
        alignment = one.alignment.copy()
        alignment[0] = np.eye(len(one.words))[-1]
        return one._replace(alignment=alignment)

    plain = context.sampler.draw_pairs
    monkeypatch.setattr(
        context.sampler, "draw_pairs", lambda pairs, **_: list(map(sharp, plain(pairs)))
    )
    captions = ["a red car is parked in deep snow", "a cat is walking on green grass"]
    found = study_alignment(context, captions, captions=9, seed=0)
    margin = found.details["margin"]
    assert margin["nats"] == pytest.approx((math.log(8) + math.log(7)) / 4, rel=1e-5)
    assert margin["share"] == pytest.approx(0.5, rel=1e-5)
    assert margin["nats_interval"].low <= margin["nats"] <= margin["nats_interval"].high
    assert found.table[0]["background"] == pytest.approx(1)
    assert found.details["most_attended"]["background"] >= 0.5
    assert found.details["words"][0] == {"snow": 0.5, "grass": 0.5}
    assert "Step 1 favours background words: 100% of the attention" in found.text


def test_without_captions_there_is_nothing_to_study(context):
    with pytest.raises(UsageError, match="--data"):
        study_alignment(context, (), captions=9, seed=0)
