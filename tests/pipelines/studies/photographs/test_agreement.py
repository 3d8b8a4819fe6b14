"""The agreement with people, on a tiny system and on ratings that the tests write."""

import json

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.data.prepared.split_reader import read_images
from pipelines.studies.photographs import agreement
from pipelines.studies.photographs.expert_ratings import TOKENS, RatedPair, read_ratings
from pipelines.studies.run_study import study
from pipelines.studies.study_context import StudyContext
from t2i_tf.errors import UsageError, UserError


@pytest.fixture(autouse=True)
def training_captions(monkeypatch):
    """The only training caption of these data is longer than a system reads."""
    monkeypatch.setattr(agreement, "_training_captions", lambda _: ["a red car", "a blue house"])


@pytest.fixture
def write(tmp_path):
    """Writes ratings, and the captions that they name; returns the path of the ratings."""

    def write(lines, captions=("a red bus#0\ta red bus", "1#0\ta green car", "2#1\ta dog")):
        (tmp_path / TOKENS).write_text("\n".join(captions) + "\n")
        path = tmp_path / "ExpertAnnotations.txt"
        path.write_text("\n".join("\t".join(map(str, line)) for line in lines) + "\n")
        return path

    return write


def test_the_file_of_ratings(write):
    path = write([("1", "2#1", 1, 2, 4), ("1", "1#0", 4, 4, 4)])
    expected = [
        RatedPair("1", "a dog", False, (1, 2, 4)),
        RatedPair("1", "a green car", True, (4, 4, 4)),
    ]
    assert read_ratings(path) == expected


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (("1", "2#1"), "line 2: expected a picture, the name of a caption and ratings from 1 to 4"),
        (("1", "2#1", 5, 1, 1), r"line 2: expected a picture.* got '1\\t2#1\\t5"),
        (("1", "2#1", 1, 1), "line 2: expected 3 ratings as in the first line, got 2"),
        (("1", "9#0", 1, 1, 1), r"line 2: .*Flickr8k.token.txt has no caption 9#0"),
    ],
)
def test_a_faulty_line_is_named(write, line, match):
    with pytest.raises(UserError, match=match):
        read_ratings(write([("1", "2#1", 1, 2, 4), line]))


def test_missing_files_are_named(write, tmp_path):
    path = write([])
    with pytest.raises(UserError, match=r"expected ratings, found none|empty"):
        read_ratings(path)
    (tmp_path / TOKENS).unlink()
    with pytest.raises(UserError, match=f"{TOKENS}, which is not in"):
        read_ratings(path)


@pytest.fixture
def rated(write, scenes):
    """Ratings of all pictures of the test split: high for the picture's captions, moved by one."""
    split = read_images(scenes, "test")
    names = [str(k) for k in range(len(split.images))]  # the ids of the examples
    captions = [f"{name}#0\t{texts[0]}" for name, texts in zip(names, split.captions, strict=True)]
    lines = [
        (picture, f"{caption}#0", 1 + (int(picture) + int(caption)) % 4, 1, 4)
        for picture in names
        for caption in names
    ]
    return write([*lines, ("elsewhere.jpg", "0#0", 1, 1, 1)], captions)


def test_the_study_ranks_by_the_systems_score(align_run, scenes, rated, tmp_path, monkeypatch):
    context = StudyContext.open(align_run, scenes.path)
    monkeypatch.setattr(agreement, "DRAWS", 20)
    found = study("agreement", context, tmp_path / "out", ratings=rated, seeds=2)
    gain, alone, person = found.table
    assert (gain["score"], alone["score"]) == (agreement.GAIN, agreement.ALONE)
    assert -1 <= gain["low"] <= gain["high"] <= 1 and gain["tau-c"] != alone["tau-c"]
    assert person["tau-b of mean"] is None
    assert found.details["pairs"] == 6 * 5
    left_out = {"own_caption": 6, "picture_not_in_split": 1}
    assert found.details["left_out"] == left_out
    assert "1 pairs are left out: their picture is not in the split 'test'" in found.text
    assert json.loads(found.json.read_text())["samples"] == 2


def test_scores_are_those_of_retrieval(align_run, scenes, rated):
    """The gain of a pair by `score_candidates`, from the same noise."""
    from pipelines.evaluation.likelihood.scorer import Scorer
    from pipelines.evaluation.retrieval.mean_caption import mean_caption
    from pipelines.evaluation.retrieval.protocol import score_candidates

    context = StudyContext.open(align_run, scenes.path)
    scorer = Scorer(context.trained, batch=4)
    pairs = agreement._match(read_ratings(rated), rated, context)
    scores = agreement._scores(context, scorer, pairs, 2, seed=3)
    pair, image = pairs.kept[7], pairs.picture[7]
    mean = mean_caption(context.trained, agreement._training_captions(context))
    expected = score_candidates(
        scorer,
        pairs.images,
        scorer.read([pair.caption]),
        np.array([[image]]),
        mean,
        samples=2,
        seed=3,
    )
    np.testing.assert_allclose(scores[agreement.GAIN][7], expected.gain[0, 0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(scores[agreement.ALONE][7], expected.given_caption[0, 0], rtol=1e-5)


def test_scores_that_follow_one_person_agree_with_the_ratings():
    rated = np.array([[1, 1], [2, 2], [3, 4], [4, 4]])
    picture = np.array([0, 0, 1, 1])
    row = agreement._row("x", np.array([0.1, 0.2, 0.3, 0.4]), rated, picture)
    assert row["tau-c"] > 0.9 and row["tau-b of mean"] == pytest.approx(1)
    assert agreement._one_person(rated, picture)["tau-b"] > 0.8
    assert agreement._one_person(rated[:, :1], picture) == {"score": agreement.ONE_PERSON}


def test_equal_ratings_have_no_tau():
    """Nor has a sample of pictures any whose ratings are equal: there is no interval."""
    equal = np.full((4, 2), 3)
    picture, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    table = [agreement._row(name, scores, equal, picture) for name in "ab"]
    table.append(agreement._one_person(equal, picture))
    assert all(set(row.values()) == {row["score"], None} for row in table)
    pairs = agreement.Pairs([None] * 4, np.zeros(0), picture, 0, 0, 0)
    assert "no Kendall's tau" in agreement._text(table, pairs, equal, 1)
    row = agreement._row("x", scores, np.array([[1], [1], [2], [2]]), picture)
    assert row["tau-c"] > 0 and row["low"] is None and row["high"] is None


def test_what_is_refused(align_run, run, scenes, write, rated, tmp_path, capsys):
    with pytest.raises(UsageError, match="--ratings"):
        study("agreement", align_run, tmp_path, data=scenes.path)
    with pytest.raises(UsageError, match="--data"):
        study("agreement", align_run, tmp_path, ratings=rated)
    with pytest.raises(UserError, match="has no bound on the likelihood"):
        study("agreement", run("lapgan"), tmp_path, data=scenes.path, ratings=rated)
    others = write([("x.jpg", "2#1", 1, 2, 3)])
    arguments = ["study", "agreement", "--workdir", str(align_run), "--data", str(scenes.path)]
    assert main([*arguments, "--ratings", str(others)]) == 1
    assert "no picture is called as one of" in " ".join(capsys.readouterr().err.split())
