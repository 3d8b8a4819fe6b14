"""Caption to image to caption: a captioner describes the drawing of each caption."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipelines.data.prepared.split_reader import read_images
from pipelines.data.scenes.caption_parser import read_caption
from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.pixels import enlarged
from pipelines.sampling.captioner import Captioner
from pipelines.studies.caption_match import CaptionMatch, match_caption, match_mark, match_rates
from pipelines.studies.prompts import talk_prompts
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput
from t2i_tf.errors import UsageError, UserError
from t2i_tf.hub.pretrained import load_trained
from t2i_tf.metrics.caption_overlap import bleu, cider
from t2i_tf.text.tokenizer import split_words

SPLIT = "test"
SHOWN = 8  # cycles in the figure


class Prompt(NamedTuple):
    """A caption to draw, and what the captioner's caption is compared with."""

    caption: str
    references: Sequence[str]  # every caption of the real image, `caption` among them
    image: np.ndarray | None = None  # uint8 [H, W, C], the real image


def study_cycle(
    context: StudyContext,
    sentences: Sequence[str],
    *,
    captioner: str | Path | None,
    captions: int,
    seed: int,
) -> StudyOutput:
    """Draw captions, describe the drawings, and compare the descriptions with the captions.

    Args:
        context: System that draws.
        sentences: Captions to draw; without them, those of the split `test` where there is a data
            folder, else the talk's.
        captioner: Work folder or preset of a captioner.
        captions: Number of captions of the split.
        seed: Seed of the first drawing.

    Raises:
        UsageError: there is no captioner.
        UserError: the captioner describes images of another size.
    """
    if captioner is None:
        raise UsageError("The cycle needs a captioner: name its work folder with --captioner.")
    describer = Captioner(load_trained(captioner))
    prompts = _prompts(context, sentences, captions)
    drawn = context.draw_pairs([(prompt.caption, seed + k) for k, prompt in enumerate(prompts)])
    images = np.stack([one.image for one in drawn])
    described = _describe(describer, images)
    matches = _matches(prompts, described)
    table = [{"pictures": "drawn"} | _scores(prompts, described, matches, describer)]
    if prompts[0].image is not None:
        real = _describe(describer, np.stack([prompt.image for prompt in prompts]))
        scores = _scores(prompts, real, _matches(prompts, real), describer)
        table.append({"pictures": "real"} | scores)
    details = {"captioner": str(captioner), "cycles": _cycles(prompts, described, seed)}
    if context.judge:
        details["judge"] = _judge(context, prompts, images)
    return StudyOutput(
        "Caption to picture to caption",
        _text(table, len(prompts)),
        table,
        {"cycle": _figure(prompts[:SHOWN], images, described, matches)},
        details,
    )


def _prompts(context: StudyContext, sentences: Sequence[str], count: int) -> list[Prompt]:
    if not sentences and context.folder is not None:
        return _split_prompts(context, count)
    talk = () if sentences else talk_prompts("compositions", context)
    captions = sentences or [caption for prompts in talk for caption in prompts]
    return [Prompt(caption, [caption]) for caption in captions]


def _split_prompts(context: StudyContext, count: int) -> list[Prompt]:
    """The first images of the split, each with one of the captions that the system can read.

    Captions take turns: image k gets the k-th of them, modulo their number.
    """
    split = read_images(context.folder, SPLIT, count)
    longest, prompts = context.sampler.max_words, []
    vocabulary = context.folder.vocabulary
    for k, (image, references) in enumerate(zip(split.images, split.captions, strict=True)):
        readable = [c for c in references if 1 <= len(split_words(c, vocabulary)) <= longest]
        if readable:
            prompts.append(Prompt(readable[k % len(readable)], references, image))
    if not prompts:
        raise UserError(
            f"{context.folder.path}, split {SPLIT!r}: expected captions of {longest} words at most,"
            " found none."
        )
    return prompts


def _describe(describer: Captioner, images: np.ndarray) -> list[str]:
    return [described.caption for described in describer.describe(images)]


def _cycles(prompts: Sequence[Prompt], described: Sequence[str], seed: int) -> list[dict[str, Any]]:
    return [
        {"asked": prompt.caption, "read": description, "seed": seed + k}
        for k, (prompt, description) in enumerate(zip(prompts, described, strict=True))
    ]


def _judge(
    context: StudyContext, prompts: Sequence[Prompt], images: np.ndarray
) -> dict[str, float | None]:
    """How often the judge sees in a drawing what its caption names."""
    judged = context.judge.judge(images)
    return match_rates(
        [match_caption(p.caption, scene) for p, scene in zip(prompts, judged, strict=True)]
    )


def _scores(
    prompts: Sequence[Prompt],
    described: Sequence[str],
    matches: Sequence[CaptionMatch],
    describer: Captioner,
) -> dict[str, Any]:
    """BLEU-4 and CIDEr; for captions of scenes, also the rate of matches by attribute."""
    references = [prompt.references for prompt in prompts]
    scores = {"BLEU-4": bleu(described, references, describer.vocabulary)}
    if len(prompts) > 1:  # CIDEr is always 0 for a single image
        scores["CIDEr"] = cider(described, references, describer.vocabulary)
    return (match_rates(matches) if any(matches) else {}) | scores


def _matches(prompts: Sequence[Prompt], described: Sequence[str]) -> list[CaptionMatch]:
    """What matches in each caption; nothing at all unless most captions are those of scenes.

    Captions of photographs share some words with them, such as "dog", and mean other things.
    """
    matches = [
        match_caption(prompt.caption, read_caption(description))
        for prompt, description in zip(prompts, described, strict=True)
    ]
    return matches if 2 * sum(map(bool, matches)) > len(matches) else [{} for _ in matches]


def _figure(
    prompts: Sequence[Prompt],
    images: np.ndarray,
    described: Sequence[str],
    matches: Sequence[CaptionMatch],
) -> Image.Image:
    """A row for each cycle: the caption, its drawing, and the captioner's caption."""
    rows = [
        Row(
            prompt.caption,
            [Cell(enlarged(image, SIDE))],
            aside=description,
            remark=match_mark(match),
        )
        for prompt, image, description, match in zip(
            prompts, images, described, matches, strict=False
        )
    ]
    return sheet([rows], ["drawing"], ("caption", "captioner's caption"))


def _text(table: Sequence[dict[str, Any]], count: int) -> str:
    sentences = []
    for row in table:
        right = [
            f"{name} {row[name]:.1%}"
            for name in ("object", "colour", "background", "place", "all")
            if row.get(name) is not None
        ]
        scores = [f"{name} {row[name]:.2f}" for name in ("BLEU-4", "CIDEr") if name in row]
        images = f"{count} {row['pictures']} images"
        if right:
            sentences.append(
                f"Agreement of the captioner with the original captions, on {images}:"
                f" {', '.join(right)}."
            )
        sentences.append(f"Scores of its captions, on {images}: {', '.join(scores)}.")
    if "all" not in table[0]:
        sentences.append(
            "The captions do not describe scenes, so their attributes are not compared."
        )
    return " ".join(sentences)
