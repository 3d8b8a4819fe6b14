"""Agreement with people: does the score of a picture and a caption order pairs as people do?"""

from collections.abc import Sequence
from math import isnan
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.record_reader import CHUNK, read_all, read_split_records
from pipelines.data.prepared.split_reader import read_captioned_images
from pipelines.data.prepared.tfrecords import parse_batch
from pipelines.evaluation.likelihood.scorer import Scorer
from pipelines.evaluation.load_run import trained_lengths
from pipelines.evaluation.retrieval.mean_caption import CAPTIONS, mean_caption
from pipelines.studies.photographs.expert_ratings import RatedPair, read_ratings
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput
from t2i_tf.errors import UsageError, UserError
from t2i_tf.metrics.bootstrap import bootstrap_interval
from t2i_tf.metrics.kendall_tau import kendall_tau
from t2i_tf.text.tokenizer import split_words

SPLIT = "test"
DRAWS = 300  # resamples of the interval
GAIN, ALONE = "L(x|y) - L(x|y_mean)", "L(x|y)"
ONE_PERSON = "one person, with the mean of the others"


class Pairs(NamedTuple):
    """The rated pairs that are scored, and how many are left out and why."""

    kept: list[RatedPair]
    images: np.ndarray  # uint8 [pictures, H, W, C]
    picture: np.ndarray  # int [pairs], row of `images`
    without_picture: int
    own: int
    cut: int  # captions longer than the system reads, cut to what it does


def study_agreement(
    context: StudyContext, *, ratings: Path | None, samples: int, seed: int
) -> StudyOutput:
    """Score rated pairs as retrieval does, and compare the scores with the ratings.

    Args:
        context: System that has a bound, and its data folder.
        ratings: Flickr8k's file of ratings.
        samples: Samples of a bound; all pairs share their noise.
        seed: Seed of the first sample.

    Raises:
        UsageError: there are no ratings, or no data folder.
        UserError: the system has no bound, a file is not as it should be, or no picture of the
            ratings is in the split `test`.
    """
    if ratings is None or context.folder is None:
        raise UsageError(
            "The agreement with people needs their ratings and the data: name Flickr8k's"
            " ExpertAnnotations.txt with --ratings, and the data folder with --data."
        )
    scorer = Scorer(context.trained)
    pairs = _match(read_ratings(Path(ratings)), Path(ratings), context)
    scores = _scores(context, scorer, pairs, samples, seed)
    rated = np.array([pair.ratings for pair in pairs.kept])
    table = [_row(name, values, rated, pairs.picture) for name, values in scores.items()]
    table.append(_one_person(rated, pairs.picture))
    return StudyOutput(
        "Agreement with people",
        _text(table, pairs, rated, samples),
        table,
        {},
        {
            "ratings": str(ratings),
            "pairs": len(pairs.kept),
            "samples": samples,
            "left_out": {"own_caption": pairs.own, "picture_not_in_split": pairs.without_picture},
            "captions_cut": pairs.cut,
        },
    )


def _match(rated: Sequence[RatedPair], path: Path, context: StudyContext) -> Pairs:
    """The pairs whose picture is in the split and whose caption is of another picture."""
    images = _read_images(context.folder)
    row = {name: k for k, name in enumerate(images)}
    known = [pair for pair in rated if pair.picture in row]
    kept = [pair for pair in known if not pair.own]
    if not kept:
        raise UserError(
            f"{context.folder.path}, split {SPLIT!r}: no picture is called as one of {path}, such"
            f" as {rated[0].picture}. Expected data prepared from Flickr8k with its own splits."
        )
    longest = context.sampler.max_words
    return Pairs(
        kept,
        np.stack(list(images.values())),
        np.array([row[pair.picture] for pair in kept]),
        without_picture=len(rated) - len(known),
        own=len(known) - len(kept),
        cut=sum(
            len(split_words(pair.caption, context.folder.vocabulary)) > longest for pair in kept
        ),
    )


def _read_images(folder: DataFolder) -> dict[str, np.ndarray]:
    """The images of the split by the names of their files, without folders."""

    def parse(serialized):
        batch = parse_batch(serialized, folder.shape)
        return batch["id"], batch["image"]

    chunks = read_all(read_split_records(folder, SPLIT).batch(CHUNK).map(parse), folder, SPLIT)
    return {
        PurePosixPath(id.decode()).name: image
        for ids, images in chunks
        for id, image in zip(ids, images, strict=True)
    }


def _scores(
    context: StudyContext, scorer: Scorer, pairs: Pairs, samples: int, seed: int
) -> dict[str, np.ndarray]:
    """The scores of the pairs, nats, by the name of the score: means over samples, [pairs]."""
    texts = list(dict.fromkeys(pair.caption for pair in pairs.kept))
    caption = {text: k for k, text in enumerate(texts)}
    index = np.array(
        [(row, caption[p.caption]) for row, p in zip(pairs.picture, pairs.kept, strict=True)]
    )
    pictures, where = np.unique(pairs.picture, return_inverse=True)
    mean_index = np.stack([pictures, np.zeros_like(pictures)], axis=1)
    mean = mean_caption(context.trained, _training_captions(context))[None]
    captions, alone, given_mean = scorer.read(texts), 0.0, 0.0
    for k in range(samples):
        noise = scorer.model.noise([seed + k])[:, 0].numpy()
        what = f"Scoring rated pairs, sample {k + 1} of {samples}"
        bounds = scorer.pair_bounds(pairs.images, captions, index, noise, what)
        alone = alone + bounds["own_bound"].astype(np.float64) / samples
        what = "Bounds given the mean caption"
        bounds = scorer.pair_bounds(pairs.images, mean, mean_index, noise, what)
        given_mean = given_mean + bounds["own_bound"].astype(np.float64) / samples
    return {GAIN: alone - np.asarray(given_mean)[where], ALONE: np.asarray(alone)}


def _training_captions(context: StudyContext) -> list[str]:
    lengths: LengthRange = trained_lengths(context.trained.config)
    return read_captioned_images(context.folder, "train", CAPTIONS, lengths).captions


def _row(
    name: str, scores: np.ndarray, rated: np.ndarray, picture: np.ndarray, **more: Any
) -> dict[str, Any]:
    """A row of the table: the tau of every rating, and that of the mean rating of a pair.

    Args:
        name: Name of the score.
        scores: [pairs], or [pairs, people] where each rating has a score of its own.
        rated: Ratings, int [pairs, people].
        picture: Picture of each pair, [pairs]; the interval is over pictures.
        more: Further cells.
    """
    each = scores if scores.ndim == 2 else np.repeat(scores[:, None], rated.shape[1], axis=1)
    tau = kendall_tau(each.ravel(), rated.ravel())
    rows = [np.flatnonzero(picture == k) for k in np.unique(picture)]
    low = high = None
    if len(rows) > 1:

        def tau_c(sample: np.ndarray) -> float:
            chosen = np.concatenate([rows[k] for k in sample])
            return kendall_tau(each[chosen].ravel(), rated[chosen].ravel()).c

        low, high = bootstrap_interval(np.arange(len(rows)), tau_c, draws=DRAWS)
    of_mean = kendall_tau(scores, rated.mean(1)).b if scores.ndim == 1 else None
    cells = {"tau-c": tau.c, "low": low, "high": high, "tau-b": tau.b, "tau-b of mean": of_mean}
    # All equal, ratings have no order: there is no tau, and no interval if a resample has none.
    known = {key: None if value is None or isnan(value) else value for key, value in cells.items()}
    return {"score": name} | known | more


def _one_person(rated: np.ndarray, picture: np.ndarray) -> dict[str, Any]:
    """The agreement of each person with the mean of the others: what a score could reach."""
    people = rated.shape[1]
    if people < 2:
        return {"score": ONE_PERSON}
    others = (rated.sum(1, keepdims=True) - rated) / (people - 1)
    return _row(ONE_PERSON, others, rated, picture)


def _text(table: Sequence[dict[str, Any]], pairs: Pairs, rated: np.ndarray, samples: int) -> str:
    gain, alone, person = (row.get("tau-c") for row in table)
    of_what = (
        f" {len(pairs.kept):,} pairs of a picture and a caption of another picture, with"
        f" {rated.shape[1]} ratings each"
    )
    sentences = [
        f"The{of_what}, have no Kendall's tau: all ratings, or all scores, are equal."
        if gain is None or alone is None
        else f"Of{of_what}, Kendall's tau-c of ratings and {GAIN} is"
        f" {gain:.3f}; of {ALONE} alone {alone:.3f}. Bounds have {samples} samples."
    ]
    if person is not None:
        sentences.append(f"One person's ratings and the mean of the others' have {person:.3f}.")
    for count, what in (
        (pairs.own, "pairs of a picture with its own caption are left out"),
        (pairs.without_picture, f"pairs are left out: their picture is not in the split {SPLIT!r}"),
        (pairs.cut, "captions are longer than the system reads, and cut"),
    ):
        if count:
            sentences.append(f"{count:,} {what}.")
    return " ".join(sentences)
