"""Word flips: a word of a caption changes, the seeds stay; what changes in the image?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from pipelines.data.scenes.renderer import render
from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.change_map import change_map
from pipelines.figures.pixels import enlarged
from pipelines.sampling.sampler import Sample
from pipelines.studies.caption_match import (
    CaptionMatch,
    match_caption,
    match_mark,
    match_rates,
    rates_text,
)
from pipelines.studies.object_region import (
    Change,
    change,
    mean_change,
    object_region,
    scene_of,
    written_region,
)
from pipelines.studies.prompts import PromptSet, talk_prompts
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput
from t2i_tf.errors import UsageError

TITLES = {
    "colours": "Flipping the colour",
    "backgrounds": "Flipping the background",
    "objects": "Flipping the object",
}
REGIONS = {  # how the object's region was found, in words
    "scene": "the object's pixels in the rendered scenes of both captions",
    "windows": "the pixels that the write windows cover most often",
}


class WordFlip:
    """Captions that differ in a word or two, drawn from the same seeds; the first is the reference.

    Args:
        context: System that drew them.
        captions: The captions.
        rows: Drawings of each caption, from the same seeds: [captions][seeds].
    """

    def __init__(
        self, context: StudyContext, captions: PromptSet, rows: Sequence[Sequence[Sample]]
    ):
        self.captions, self.rows = captions, rows
        self.images = np.array([[drawn.image for drawn in row] for row in rows])
        words = [set(row[0].words) for row in rows]
        self.differing_words = [frozenset(own - set.intersection(*words)) for own in words]
        scenes = [scene_of(caption) for caption in captions] if context.judge else [None]
        self.scenes = None if None in scenes else scenes
        self.regions = [self._region(context, k) for k in range(len(captions))]
        self.matches = self._matches(context)

    @property
    def region_source(self) -> str | None:
        """How the object's region was found, a key of `REGIONS`; None where it is unknown."""
        if self.scenes:
            return "scene"
        return None if self.regions[-1] is None else "windows"

    def change(self, k: int) -> Change:
        """The change of caption k's images from the reference's."""
        return change(self.images[0], self.images[k], self.regions[k])

    def change_map(self, k: int) -> np.ndarray:
        """Mean |difference| of caption k's images from the reference's, [H, W]."""
        return mean_change(self.images[0], self.images[k])

    def table(self) -> list[dict[str, Any]]:
        """A row for each caption: its change from the reference, and its rate of full matches."""
        return [self._table_row(k) for k in range(len(self.captions))]

    def match_rates(self) -> list[dict[str, float | None]]:
        """For each caption, the shares of images that match it; empty without a judge."""
        return [match_rates(matches) if any(matches) else {} for matches in self.matches]

    def _table_row(self, k: int) -> dict[str, Any]:
        row = {"caption": self.captions[k]}
        row |= self.change(k)._asdict() if k else dict.fromkeys(Change._fields)
        if self.scenes:
            inside, outside = self._rendered_change(k) if k else (None, None)
            row |= {"inside wanted": inside, "outside wanted": outside}
        rates = self.match_rates()[k]
        return row | ({"all": rates["all"]} if rates else {})

    def _rendered_change(self, k: int) -> tuple[float | None, float | None]:
        """The change, inside and outside, of the scenes that the captions describe."""
        height, width = self.images.shape[2:4]
        if height != width:
            return None, None  # scenes are rendered as squares
        before, after = (render(self.scenes[n], height)[None] for n in (0, k))
        rendered = change(before, after, self.regions[k])
        return rendered.inside, rendered.outside

    def _region(self, context: StudyContext, k: int) -> np.ndarray | None:
        """Where the object of the reference or of caption k is, bool [H, W]."""
        if self.scenes:
            return object_region(context.judge, [self.scenes[0], self.scenes[k]])
        windows = np.array([drawn.windows for n in (0, k) for drawn in self.rows[n]])
        return written_region(windows, context.shape[:2])

    def _matches(self, context: StudyContext) -> list[list[CaptionMatch]]:
        """The match of each image, [captions][seeds]; empty ones without a judge."""
        if not context.judge:
            return [[{} for _ in row] for row in self.rows]
        judged = context.judge.judge(self.images.reshape(-1, *context.shape))
        seeds = len(self.rows[0])
        return [
            [match_caption(caption, judged[k * seeds + n]) for n in range(seeds)]
            for k, caption in enumerate(self.captions)
        ]


def study_flips(
    name: str, context: StudyContext, sentences: Sequence[str], *, seeds: int, seed: int
) -> StudyOutput:
    """Draw captions that differ in a word from the same seeds, and measure what changes.

    Args:
        name: `colours`, `backgrounds` or `objects`.
        context: System that draws.
        sentences: A single flip, its reference first; the talk's flips where none are given.
        seeds: Images of each caption.
        seed: First seed.

    Raises:
        UsageError: there is one sentence only, or none and the system's vocabulary covers none of
            the talk's.
    """
    if len(sentences) == 1:
        raise UsageError("Expected two sentences or more that differ in a word, got one.")
    prompt_sets = [tuple(sentences)] if sentences else talk_prompts(name, context)
    flips = _draw(context, prompt_sets, seeds, seed)
    table = [row for flip in flips for row in flip.table()]
    between = float(np.mean([_between_seeds(flip) for flip in flips])) if seeds > 1 else None
    return StudyOutput(
        TITLES[name],
        _text(flips, table, between),
        table,
        {name: _figure(flips, seeds, seed)},
        {
            "between_seeds": between,
            "region": [flip.region_source for flip in flips],
            "judge": {
                caption: rates
                for flip in flips
                for caption, rates in zip(flip.captions, flip.match_rates(), strict=True)
            },
            "seeds": [seed + k for k in range(seeds)],
        },
    )


def _draw(
    context: StudyContext, prompt_sets: Sequence[PromptSet], seeds: int, seed: int
) -> list[WordFlip]:
    """Draw all captions at once; a flip for each set of prompts."""
    rows = iter(context.draw([c for prompts in prompt_sets for c in prompts], seeds, seed))
    return [WordFlip(context, prompts, [next(rows) for _ in prompts]) for prompts in prompt_sets]


def _between_seeds(flip: WordFlip) -> float:
    """Mean |difference| of images of one caption from one seed to the next."""
    before = flip.images[:, :-1].reshape(-1, *flip.images.shape[2:])
    return change(before, flip.images[:, 1:].reshape(before.shape), None).whole


def _text(flips: Sequence[WordFlip], table: Sequence[Mapping], between: float | None) -> str:
    """The results in sentences."""
    sentences = _change_sentences(flips, table)
    if between is not None:
        sentences.append(f"Changing the seed instead changes pixels by {between:.1%}.")
    matches = [match for flip in flips for row in flip.matches for match in row if match]
    if matches:
        sentences.append(
            f"Share of {len(matches)} images that match their caption: {rates_text(matches)}."
        )
    else:
        sentences.append("No judge: the images or the captions are not those of scenes.")
    return " ".join(sentences)


def _change_sentences(flips: Sequence[WordFlip], table: Sequence[Mapping]) -> list[str]:
    def mean(column: str) -> float | None:
        values = [row[column] for row in table if row.get(column) is not None]
        return float(np.mean(values)) if values else None

    inside, outside = mean("inside"), mean("outside")
    if inside is None:
        return [
            f"On average, a flip changes pixels by {mean('whole'):.1%} of their range.",
            "The object's region is unknown, so inside and outside are not separated.",
        ]
    sources = dict.fromkeys(REGIONS[flip.region_source] for flip in flips if flip.region_source)
    sentences = [
        f"On average, a flip changes pixels by {inside:.1%} of their range inside the object and by"
        f" {outside:.1%} outside. Inside means {' or '.join(sources)}."
    ]
    rendered = mean("inside wanted"), mean("outside wanted")
    if None not in rendered:
        sentences.append("In the rendered scenes it is {:.1%} and {:.1%}.".format(*rendered))
    return sentences


def _figure(flips: Sequence[WordFlip], seeds: int, seed: int) -> Image.Image:
    """A row for each caption, a column for each seed, and a map of the change at the end."""
    peak = max(flip.change_map(k).max() for flip in flips for k in range(1, len(flip.captions)))
    blocks = [[_figure_row(flip, k, peak) for k in range(len(flip.captions))] for flip in flips]
    heads = [*(f"seed {seed + k}" for k in range(seeds)), f"change, 0 to {peak:.0%}"]
    return sheet(blocks, heads)


def _figure_row(flip: WordFlip, k: int, peak: float) -> Row:
    cells = [
        Cell(enlarged(image, SIDE), match_mark(match))
        for image, match in zip(flip.images[k], flip.matches[k], strict=True)
    ]
    if k:
        change_image = change_map(flip.change_map(k), flip.regions[k], peak, SIDE)
        cells.append(Cell(change_image, _change_label(flip.change(k))))
    return Row(flip.captions[k], cells, flip.differing_words[k])


def _change_label(measured: Change) -> str:
    if measured.inside is None:
        return f"{measured.whole:.1%}"
    return f"inside {measured.inside:.1%} outside {measured.outside:.1%}"
