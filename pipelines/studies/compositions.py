"""Novel compositions: does a stop sign fly? Beside it an airplane, which flies in training too."""

from collections.abc import Sequence

import numpy as np

from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.pixels import enlarged
from pipelines.studies.caption_match import (
    CaptionMatch,
    match_caption,
    match_mark,
    match_rates,
    rates_text,
)
from pipelines.studies.prompts import talk_prompts
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput


def study_compositions(
    context: StudyContext, sentences: Sequence[str], *, seeds: int, seed: int
) -> StudyOutput:
    """Draw sentences from several seeds; for scenes, measure which images match their sentence.

    Args:
        context: System that draws.
        sentences: Sentences to draw; the talk's where none are given.
        seeds: Images of each sentence.
        seed: First seed.
    """
    captions = sentences or [
        c for prompts in talk_prompts("compositions", context) for c in prompts
    ]
    rows = context.draw(captions, seeds, seed)
    images = np.array([[drawn.image for drawn in row] for row in rows])
    matches = _matches(context, captions, images)
    table = [{"caption": caption} for caption in captions]
    if context.judge:
        table = [row | match_rates(found) for row, found in zip(table, matches, strict=True)]
    return StudyOutput(
        "Novel compositions",
        _text(context, [match for found in matches for match in found if match]),
        table,
        {"compositions": _figure(captions, images, matches)},
        {"seeds": [seed + k for k in range(seeds)]},
    )


def _matches(
    context: StudyContext, captions: Sequence[str], images: np.ndarray
) -> list[list[CaptionMatch]]:
    """The match of each image, [captions][seeds]; empty ones without a judge."""
    if context.judge is None:
        return [[{} for _ in row] for row in images]
    judged = context.judge.judge(images.reshape(-1, *images.shape[2:]))
    seeds = images.shape[1]
    return [
        [match_caption(caption, judged[k * seeds + n]) for n in range(seeds)]
        for k, caption in enumerate(captions)
    ]


def _figure(captions: Sequence[str], images: np.ndarray, matches: Sequence[Sequence[CaptionMatch]]):
    """A row for each caption, a column for each seed."""
    rows = [
        Row(
            caption,
            [
                Cell(enlarged(image, SIDE), match_mark(match))
                for image, match in zip(its_images, its_matches, strict=True)
            ],
            note=_note([match for match in its_matches if match]),
        )
        for caption, its_images, its_matches in zip(captions, images, matches, strict=True)
    ]
    return sheet([rows])


def _note(matches: Sequence[CaptionMatch]) -> str:
    if not matches:
        return ""
    return f"all correct: {sum(all(match.values()) for match in matches)} of {len(matches)}"


def _text(context: StudyContext, matches: Sequence[CaptionMatch]) -> str:
    if not context.judge:
        return "No judge: the system was not trained on the scenes. The figure shows the images."
    if not matches:
        return "No sentence names an object of the scenes, so that nothing was judged."
    return f"Share of {len(matches)} images that match their sentence: {rates_text(matches)}."
