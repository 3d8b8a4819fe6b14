"""Novel compositions: does a stop sign fly? Beside them an airplane, which flies in training."""

from collections.abc import Sequence

import numpy as np

from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.pixels import enlarged
from pipelines.studies.caption_match import in_words, shares, verdict
from pipelines.studies.prompts import talk_topics
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import Finding


def study_compositions(
    context: StudyContext, sentences: Sequence[str], *, seeds: int, seed: int
) -> Finding:
    """Draw sentences from several seeds; of scenes, say which pictures show what was asked.

    Args:
        sentences: the talk's where none are given.
    """
    captions = sentences or [c for topic in talk_topics("compositions", context) for c in topic]
    rows = context.draw(captions, seeds, seed)
    images = np.array([[drawn.image for drawn in row] for row in rows])
    verdicts = [[{} for _ in row] for row in rows]
    if context.judge:
        judged = context.judge.judge(images.reshape(-1, *images.shape[2:]))
        verdicts = [
            [verdict(caption, judged[k * seeds + n]) for n in range(seeds)]
            for k, caption in enumerate(captions)
        ]
    table = [
        {"caption": caption} | shares(of_one)
        for caption, of_one in zip(captions, verdicts, strict=True)
    ]
    blocks = [
        Row(
            caption,
            [
                Cell(enlarged(image, SIDE), in_words(right))
                for image, right in zip(of_one, rights, strict=True)
            ],
            note=_in_short([right for right in rights if right]),
        )
        for caption, of_one, rights in zip(captions, images, verdicts, strict=True)
    ]
    return Finding(
        "Novel compositions",
        _text(context, [right for of_one in verdicts for right in of_one if right]),
        table if context.judge else [{"caption": caption} for caption in captions],
        {"compositions": sheet([blocks])},
        {"seeds": [seed + k for k in range(seeds)]},
    )


def _in_short(rights: Sequence) -> str:
    if not rights:
        return ""
    return f"all as asked: {sum(all(right.values()) for right in rights)} of {len(rights)}"


def _text(context: StudyContext, rights: Sequence) -> str:
    if not context.judge:
        return "No judge: the pictures are not of the scenes' world, they are to be looked at."
    if not rights:
        return "The sentences name no object of the scenes: the judge was not asked."
    told = ", ".join(
        f"{name} {share:.0%}" for name, share in shares(rights).items() if share is not None
    )
    return f"Of {len(rights)} pictures, the judge finds as asked: {told}."
