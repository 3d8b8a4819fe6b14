"""Caption to picture to caption: what a captioner reads in a drawing, beside what was asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipelines.data.prepared.split_reader import read_images
from pipelines.data.scenes.caption_parser import read_caption
from pipelines.figures.annotated_grid import SIDE, Cell, Row, sheet
from pipelines.figures.pixels import enlarged
from pipelines.sampling.captioner import Captioner
from pipelines.studies.caption_match import in_words, shares, verdict
from pipelines.studies.prompts import talk_topics
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import Finding
from t2i_tf import checkpoints
from t2i_tf.errors import UsageError, UserError
from t2i_tf.metrics.caption_overlap import bleu, cider
from t2i_tf.text.tokenizer import split_words

SPLIT = "test"
SHOWN = 8  # cycles in the figure


class Asked(NamedTuple):
    """A caption to draw, and what the captioner's answer is compared with."""

    caption: str
    references: Sequence[str]  # every caption of the picture, the one that is drawn among them
    image: np.ndarray | None = None  # uint8 [H, W, C], the real picture


def study_cycle(
    context: StudyContext,
    sentences: Sequence[str],
    *,
    captioner: Path | None,
    captions: int,
    seed: int,
) -> Finding:
    """Draw captions, describe the drawings, and compare what is read with what was asked.

    Args:
        sentences: to draw; without them, captions of the split `test` where there is a data
            folder, else the talk's.
        captioner: work folder of a captioner.
        captions: how many of the split.

    Raises:
        UsageError: no captioner.
        UserError: the captioner describes pictures of another size.
    """
    if captioner is None:
        raise UsageError("The cycle needs a captioner: name its work folder with --captioner.")
    reader = Captioner(checkpoints.load(captioner))
    asked = _asked(context, sentences, captions)
    drawn = context.draw_pairs([(one.caption, seed + k) for k, one in enumerate(asked)])
    images = np.stack([one.image for one in drawn])
    read = [one.caption for one in reader.describe(images)]
    table = [{"pictures": "drawn"} | _scores(asked, read)]
    if asked[0].image is not None:
        real = [one.caption for one in reader.describe(np.stack([one.image for one in asked]))]
        table.append({"pictures": "real"} | _scores(asked, real))
    details = {
        "captioner": str(captioner),
        "cycles": [
            {"asked": one.caption, "read": words, "seed": seed + k}
            for k, (one, words) in enumerate(zip(asked, read, strict=True))
        ],
    }
    if context.judge:
        judged = context.judge.judge(images)
        details["judge"] = shares(
            [verdict(one.caption, scene) for one, scene in zip(asked, judged, strict=True)]
        )
    figure = _figure(asked[:SHOWN], images, read)
    return Finding(
        "Caption to picture to caption", _text(table, len(asked)), table, {"cycle": figure}, details
    )


def _asked(context: StudyContext, sentences: Sequence[str], count: int) -> list[Asked]:
    if not sentences and context.folder is not None:
        return _of_split(context, count)
    told = sentences or [c for topic in talk_topics("compositions", context) for c in topic]
    return [Asked(caption, [caption]) for caption in told]


def _of_split(context: StudyContext, count: int) -> list[Asked]:
    """The first pictures of the split; the k-th has its (k mod n)-th caption that fits."""
    pictures = read_images(context.folder, SPLIT, count)
    longest, asked = context.sampler.max_words, []
    for k, (image, references) in enumerate(zip(pictures.images, pictures.captions, strict=True)):
        fitting = [c for c in references if 1 <= len(split_words(c)) <= longest]
        if fitting:
            asked.append(Asked(fitting[k % len(fitting)], references, image))
    if not asked:
        raise UserError(
            f"{context.folder.path}, split {SPLIT!r}: expected captions of {longest} words at most,"
            " found none."
        )
    return asked


def _scores(asked: Sequence[Asked], read: Sequence[str]) -> dict[str, Any]:
    """The share read right by attribute, where the captions are the scenes', and BLEU and CIDEr."""
    pairs = list(zip(asked, read, strict=True))
    verdicts = [verdict(one.caption, read_caption(words)) for one, words in pairs]
    references = [one.references for one in asked]
    figures = {"BLEU-4": bleu(read, references)}
    if len(pairs) > 1:  # of one picture it is 0, whatever is said
        figures["CIDEr"] = cider(read, references)
    return (shares(verdicts) if any(verdicts) else {}) | figures


def _figure(asked: Sequence[Asked], images: np.ndarray, read: Sequence[str]):
    """Asked, drawn, read."""
    rows = [
        Row(
            one.caption,
            [Cell(enlarged(image, SIDE))],
            aside=words,
            remark=in_words(verdict(one.caption, read_caption(words))),
        )
        for one, image, words in zip(asked, images, read, strict=False)
    ]
    return sheet([rows], ["drawn"], ("asked", "read"))


def _text(table: Sequence[dict[str, Any]], count: int) -> str:
    said = []
    for row in table:
        right = [
            f"{name} {row[name]:.1%}"
            for name in ("object", "colour", "background", "place", "all")
            if row.get(name) is not None
        ]
        scores = [f"{name} {row[name]:.2f}" for name in ("BLEU-4", "CIDEr") if name in row]
        what = f"Of {count} {row['pictures']} pictures"
        if right:
            said.append(f"{what} the captioner reads as asked: {', '.join(right)}.")
        said.append(f"{what} the captions score {', '.join(scores)}.")
    if "all" not in table[0]:
        said.append("The captions are not of the scenes' world: what they name is not compared.")
    return " ".join(said)
