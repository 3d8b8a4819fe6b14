"""Flips: one word of a caption moves, the seeds stay; what moves in the picture?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.data.scenes.renderer import render
from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.change_map import change_map
from pipelines.figures.pixels import enlarged
from pipelines.sampling.sampler import Sample
from pipelines.studies.caption_match import in_words, shares, verdict
from pipelines.studies.object_region import (
    change,
    mean_change,
    object_region,
    scene_of,
    written_region,
)
from pipelines.studies.prompts import Topic, talk_topics
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import Finding
from t2i_tf.errors import UsageError
from t2i_tf.text.tokenizer import split_words

TITLES = {
    "colours": "Flipping the colour",
    "backgrounds": "Flipping the background",
    "objects": "Flipping the object",
}
WHERE = {
    "scene": "the object's pixels in the scenes' own picture of either caption",
    "windows": "the pixels that the write windows cover most",
}


class Flipped:
    """Captions that differ in a word or two, drawn from the same seeds; the first is the reference.

    Args:
        topic: the captions.
        rows: their pictures, of each caption the same seeds.
    """

    def __init__(self, context: StudyContext, topic: Topic, rows: Sequence[Sequence[Sample]]):
        self.captions, self.rows = topic, rows
        self.images = np.array([[drawn.image for drawn in row] for row in rows])
        words = [set(split_words(caption)) for caption in topic]
        self.moved = [frozenset(of_one - set.intersection(*words)) for of_one in words]
        scenes = [scene_of(caption) for caption in topic] if context.judge else [None]
        self.scenes = None if None in scenes else scenes
        self.regions = [self._region(context, k) for k in range(len(topic))]
        self.verdicts = [[{} for _ in row] for row in rows]
        if context.judge:
            judged = context.judge.judge(self.images.reshape(-1, *context.shape))
            seeds = len(rows[0])
            self.verdicts = [
                [verdict(caption, judged[k * seeds + n]) for n in range(seeds)]
                for k, caption in enumerate(topic)
            ]

    @property
    def known_by(self) -> str | None:
        """What tells where the object is, a key of `WHERE`; None where nothing does."""
        if self.scenes:
            return "scene"
        return None if self.regions[-1] is None else "windows"

    def map(self, k: int) -> np.ndarray:
        """Mean |difference| of caption k's pictures from the reference's, [H, W]."""
        return mean_change(self.images[0], self.images[k])

    def table(self) -> list[dict[str, Any]]:
        """A row for each caption: its change from the reference, and what the judge says."""
        return [self._measured(k) for k in range(len(self.captions))]

    def _measured(self, k: int) -> dict[str, Any]:
        told = {"caption": self.captions[k]}
        columns = "whole", "inside", "outside"
        if not k:
            told |= dict.fromkeys(columns)
        else:
            told |= change(self.images[0], self.images[k], self.regions[k])._asdict()
        if self.scenes:
            wanted = self._wanted(k) if k else (None, None)
            told |= dict(zip(("inside wanted", "outside wanted"), wanted, strict=True))
        asked = self.judged()[k]
        return told | ({"all": asked["all"]} if asked else {})

    def judged(self) -> list[dict[str, float | None]]:
        """Of each caption the shares that the judge finds as asked; empty where it is not asked."""
        return [shares(rights) if any(rights) else {} for rights in self.verdicts]

    def _wanted(self, k: int) -> tuple[float | None, float | None]:
        """The change of the scenes' own pictures."""
        side = max(self.images.shape[2:4])
        height, width = self.images.shape[2:4]
        if height != width:
            return None, None  # the scenes are square
        before, after = (render(self.scenes[n], side)[None] for n in (0, k))
        found = change(before, after, self.regions[k])
        return found.inside, found.outside

    def _region(self, context: StudyContext, k: int) -> np.ndarray | None:
        """Where the object of the reference or of caption k is."""
        if self.scenes:
            return object_region(context.judge, [self.scenes[0], self.scenes[k]])
        windows = np.array([drawn.windows for n in (0, k) for drawn in self.rows[n]])
        return written_region(windows, context.shape[:2])


def study_flips(
    name: str, context: StudyContext, sentences: Sequence[str], *, seeds: int, seed: int
) -> Finding:
    """Draw captions that differ in a word from the same seeds, and measure what moved with it.

    Args:
        name: `colours`, `backgrounds` or `objects`.
        sentences: one flip, its reference first; the talk's flips where none are given.

    Raises:
        UsageError: a single sentence, or none and the system knows none of the talk's words.
    """
    if len(sentences) == 1:
        raise UsageError("A flip needs two sentences or more, which differ in a word. Got one.")
    topics = [tuple(sentences)] if sentences else talk_topics(name, context)
    rows = context.draw([caption for topic in topics for caption in topic], seeds, seed)
    flips = []
    for topic in topics:
        flips.append(Flipped(context, topic, rows[: len(topic)]))
        rows = rows[len(topic) :]
    table = [row for flip in flips for row in flip.table()]
    between = float(np.mean([_between_seeds(flip) for flip in flips])) if seeds > 1 else None
    return Finding(
        TITLES[name],
        _text(flips, table, between),
        table,
        {name: _figure(flips, seeds, seed)},
        {
            "between_seeds": between,
            "region": [flip.known_by for flip in flips],
            "judge": {
                caption: judged
                for flip in flips
                for caption, judged in zip(flip.captions, flip.judged(), strict=True)
            },
            "seeds": [seed + k for k in range(seeds)],
        },
    )


def _between_seeds(flip: Flipped) -> float:
    """Mean |difference| of pictures of one caption from one seed to the next."""
    before = flip.images[:, :-1].reshape(-1, *flip.images.shape[2:])
    return change(before, flip.images[:, 1:].reshape(before.shape), None).whole


def _text(flips: Sequence[Flipped], table: Sequence[Mapping], between: float | None) -> str:
    said = []
    inside = [row["inside"] for row in table if row["inside"] is not None]
    outside = [row["outside"] for row in table if row["outside"] is not None]
    if inside:
        where = " or ".join(dict.fromkeys(WHERE[flip.known_by] for flip in flips if flip.known_by))
        said.append(
            f"The flips change the pictures by {np.mean(inside):.1%} of the range inside the object"
            f" and by {np.mean(outside):.1%} outside, in the mean; inside is {where}."
        )
    else:
        whole = [row["whole"] for row in table if row["whole"] is not None]
        said.append(f"The flips change the pictures by {np.mean(whole):.1%} of the range.")
        said.append("Nothing tells where the object is: no figure for inside and outside.")
    wanted = [row for row in table if row.get("inside wanted") is not None]
    if wanted:
        pair = (
            np.mean([row[f"{side} wanted"] for row in wanted]) for side in ("inside", "outside")
        )
        said.append("The scenes' own pictures change by {:.1%} and {:.1%}.".format(*pair))
    if between is not None:
        said.append(f"Another seed of the same caption changes them by {between:.1%}.")
    verdicts = [right for flip in flips for row in flip.verdicts for right in row if right]
    if verdicts:
        told = ", ".join(f"{k} {v:.0%}" for k, v in shares(verdicts).items() if v is not None)
        said.append(f"Of {len(verdicts)} pictures, the judge finds as asked: {told}.")
    else:
        said.append("No judge: the pictures or the sentences are not of the scenes' world.")
    return " ".join(said)


def _figure(flips: Sequence[Flipped], seeds: int, seed: int):
    """A row a caption, a column a seed, and at the end where the row differs from the first."""
    peak = max(flip.map(k).max() for flip in flips for k in range(1, len(flip.captions)))
    blocks = []
    for flip in flips:
        block = []
        for k, caption in enumerate(flip.captions):
            cells = [
                Cell(enlarged(image, SIDE), in_words(right))
                for image, right in zip(flip.images[k], flip.verdicts[k], strict=True)
            ]
            if k:
                measured = change(flip.images[0], flip.images[k], flip.regions[k])
                cells.append(
                    Cell(change_map(flip.map(k), flip.regions[k], peak, SIDE), _in_short(measured))
                )
            block.append(Row(caption, cells, flip.moved[k]))
        blocks.append(block)
    heads = [*(f"seed {seed + k}" for k in range(seeds)), f"change, to {peak:.0%}"]
    return sheet(blocks, heads)


def _in_short(measured) -> str:
    if measured.inside is None:
        return f"{measured.whole:.1%}"
    return f"inside {measured.inside:.1%} outside {measured.outside:.1%}"
