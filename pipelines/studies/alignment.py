"""Words and steps: does the attention differ from uniform attention, and which words get it?"""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipelines.data.prepared.split_reader import read_captions
from pipelines.figures.attention_curves import attention_curves
from pipelines.figures.word_attention import alignment_figure
from pipelines.sampling.sampler import Sample
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import StudyOutput
from pipelines.studies.word_classes import CLASSES, word_classes
from t2i_tf.errors import UsageError, UserError
from t2i_tf.metrics.bootstrap import bootstrap_interval
from t2i_tf.text.tokenizer import split_words

SPLIT = "test"
FIGURES = 3  # captions whose alignment is a figure
TOP_WORDS = 6  # words listed for each step
NEARLY_UNIFORM = 0.95  # share of the uniform entropy above which a step hardly selects words
FAVOURED = 1.2  # attention over share of the words from which a class is mentioned in the text


class Attention(NamedTuple):
    """The attention of several captions, a row for each."""

    entropy: np.ndarray  # [captions, T], nats
    uniform: np.ndarray  # [captions], log N, nats
    class_shares: np.ndarray  # [captions, T, classes], share of the attention
    word_shares: np.ndarray  # [captions, classes], share of the words: that of uniform attention
    peak_classes: np.ndarray  # int [captions, T], class of the word with the most attention

    @property
    def relative_entropy(self) -> np.ndarray:
        """The entropy as a share of the uniform one, [captions, T]."""
        return self.entropy / self.uniform[:, None]

    @property
    def present(self) -> np.ndarray:
        """Which classes some caption has a word of, bool [classes]."""
        return self.word_shares.any(0)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes that are present."""
        return [name for name, there in zip(CLASSES, self.present, strict=True) if there]

    @property
    def step_shares(self) -> np.ndarray:
        """Mean share of the attention of each class that is present, [T, classes]."""
        return self.class_shares.mean(0)[:, self.present]

    @property
    def uniform_shares(self) -> np.ndarray:
        """Mean share of the words of each class that is present, [classes]."""
        return self.word_shares.mean(0)[self.present]


def study_alignment(
    context: StudyContext, sentences: Sequence[str], *, captions: int, seed: int
) -> StudyOutput:
    """Draw captions and measure the attention over their words at every step.

    Args:
        context: System that draws.
        sentences: Captions to draw instead of those of the split `test`.
        captions: Number of captions of the split, drawn at random.
        seed: Seed of the first drawing, and of the choice of captions.

    Raises:
        UserError: the system does not read words.
        UsageError: there are neither sentences nor a data folder.
    """
    if context.sampler.model.reads != "token_ids":
        raise UserError(
            f"Expected a system that attends to words, got {context.workdir} with a run of"
            f" {context.title}, which reads one vector for the whole sentence. Study a run of"
            " alignDRAW."
        )
    drawn = _draw(context, list(sentences) or _test_captions(context, captions, seed), seed)
    attention = measure_attention(drawn)
    margin, table = _margin(attention), _table(attention)
    text = [_text(attention, margin, table), *_of_places(context)]
    return StudyOutput(
        "Words and steps",
        " ".join(text),
        table,
        _figures(attention, drawn[:FIGURES]),
        {
            "captions": len(drawn),
            "margin": margin,
            "most_attended": _most_attended(attention),
            "words": _top_words(drawn),
        },
    )


def measure_attention(drawn: Sequence[Sample]) -> Attention:
    """Entropy and word classes of the attention of drawings.

    Args:
        drawn: Drawings of captions with two words or more.

    Raises:
        UserError: there are no drawings.
    """
    if not drawn:
        raise UserError("Expected captions of two words or more: a single word has all attention.")
    classes = [np.array([CLASSES.index(c) for c in word_classes(one.words)]) for one in drawn]
    one_hot = [indices[:, None] == np.arange(len(CLASSES)) for indices in classes]  # [N, classes]
    alignment = [one.alignment.astype(np.float64) for one in drawn]
    return Attention(
        entropy=np.stack([_entropy(a) for a in alignment]),
        uniform=np.log([len(one.words) for one in drawn]),
        class_shares=np.stack([a @ m for a, m in zip(alignment, one_hot, strict=True)]),
        word_shares=np.stack([m.mean(0) for m in one_hot]),
        peak_classes=np.stack([c[a.argmax(1)] for a, c in zip(alignment, classes, strict=True)]),
    )


def _entropy(alignment: np.ndarray) -> np.ndarray:
    """Entropy of each row of [T, N], nats."""
    return -(alignment * np.log(np.maximum(alignment, 1e-30))).sum(1)


def _draw(context: StudyContext, captions: Sequence[str], seed: int) -> list[Sample]:
    """A drawing of each caption; without captions of one word, which has all the attention."""
    drawn = context.draw_pairs([(caption, seed + k) for k, caption in enumerate(captions)])
    return [one for one in drawn if len(one.words) > 1]


def _test_captions(context: StudyContext, count: int, seed: int) -> list[str]:
    if context.folder is None:
        raise UsageError(
            "Expected captions to study, got none: name a data folder with --data, or give"
            " sentences."
        )
    captions = [caption.decode() for caption in read_captions(context.folder, SPLIT).text]
    vocabulary, longest = context.folder.vocabulary, context.sampler.max_words
    usable = [c for c in captions if 2 <= len(split_words(c, vocabulary)) <= longest]
    if not usable:
        raise UserError(
            f"{context.folder.path}, split {SPLIT!r}: expected captions of 2 to "
            f"{longest} words, found none."
        )
    order = np.random.default_rng(seed).permutation(len(usable))[:count]
    return [usable[k] for k in order]


def _figures(attention: Attention, drawn: Sequence[Sample]) -> dict[str, Image.Image]:
    """Entropy and classes by step, and the alignment of each of the given drawings."""
    curves = attention_curves(
        attention.relative_entropy,
        dict(zip(attention.class_names, attention.step_shares.T, strict=True)),
        dict(zip(attention.class_names, attention.uniform_shares.tolist(), strict=True)),
    )
    return {"alignment": curves} | {
        f"alignment-words-{k}": alignment_figure(one.alignment, one.words, one.canvases)
        for k, one in enumerate(drawn, start=1)
    }


def _table(attention: Attention) -> list[dict[str, Any]]:
    """A row for each step, and one for uniform attention.

    `entropy` is a share of the uniform one, with its interval; each class has its share of the
    attention.
    """
    rows, relative, names = [], attention.relative_entropy, attention.class_names
    for t, shares in enumerate(attention.step_shares):
        low, high = bootstrap_interval(relative[:, t]) if len(relative) > 1 else (None, None)
        entropy = {"entropy": float(relative[:, t].mean()), "low": low, "high": high}
        rows.append({"step": str(t + 1)} | entropy | dict(zip(names, shares.tolist(), strict=True)))
    uniform = {"step": "uniform", "entropy": 1.0, "low": None, "high": None}
    return [*rows, uniform | dict(zip(names, attention.uniform_shares.tolist(), strict=True))]


def _margin(attention: Attention) -> dict[str, Any]:
    """By how much the entropy, averaged over steps, is below the uniform one: nats and share."""
    below = attention.uniform - attention.entropy.mean(1)
    relative = below / attention.uniform
    several = len(below) > 1
    return {
        "nats": float(below.mean()),
        "nats_interval": bootstrap_interval(below) if several else None,
        "share": float(relative.mean()),
        "share_interval": bootstrap_interval(relative) if several else None,
    }


def _most_attended(attention: Attention) -> dict[str, float]:
    """The share of steps whose most attended word belongs to a class, over all captions."""
    peaks = attention.peak_classes
    shares = np.bincount(peaks.ravel(), minlength=len(CLASSES)) / peaks.size
    return {name: float(share) for name, share in zip(CLASSES, shares, strict=True) if share}


def _top_words(drawn: Sequence[Sample]) -> list[dict[str, float]]:
    """For each step, the words with the most attention and their mean share of it."""
    steps = []
    for t in range(len(drawn[0].alignment)):
        total = Counter()
        for one in drawn:
            for word, share in zip(one.words, one.alignment[t], strict=True):
                total[word] += float(share) / len(drawn)
        steps.append({word: share for word, share in total.most_common(TOP_WORDS) if share})
    return steps


def _text(attention: Attention, margin, table) -> str:
    """The results in sentences."""
    entropy = attention.relative_entropy.mean(0)
    interval = ""
    if margin["nats_interval"]:
        low, high = margin["nats_interval"]
        interval = f" (95 % interval {low:.3f} to {high:.3f})"
    sharpest = int(entropy.argmin())
    sentences = [
        f"Over {len(attention.entropy)} captions, the entropy of the attention averages"
        f" {1 - margin['share']:.1%} of the uniform entropy, {margin['nats']:.3f} nats below"
        f" it{interval}.",
        f"Step {sharpest + 1} is the sharpest, at {entropy[sharpest]:.0%}.",
    ]
    flat = [str(t + 1) for t, share in enumerate(entropy) if share > NEARLY_UNIFORM]
    if flat:
        steps = "step" if len(flat) == 1 else "steps"
        sentences.append(
            f"It is nearly uniform, above {NEARLY_UNIFORM:.0%}, at {steps} {', '.join(flat)}."
        )
    return " ".join([*sentences, *_favoured(table, attention.class_names)])


def _of_places(context: StudyContext) -> list[str]:
    """That a mean was studied, whose entropy is no less than the mean of the places' entropies."""
    if not context.sampler.model.attends_from_places:
        return []
    return [
        f"Each place of {context.title} attends for itself. This is their mean, which is more even"
        " than the attention of a place."
    ]


def _favoured(table, names: Sequence[str]) -> list[str]:
    """Sentences on the classes that get the most attention for their share of the words."""
    *steps, uniform = table
    lifts = [{name: row[name] / uniform[name] for name in names} for row in steps]
    best = [max(lift, key=lift.__getitem__) for lift in lifts]
    sentences, first = [], 0
    for name, run in groupby(best):
        last = first + len(list(run))
        share = np.mean([row[name] for row in steps[first:last]])
        lift = np.mean([lift[name] for lift in lifts[first:last]])
        which = (
            f"Step {last} favours" if last - first == 1 else f"Steps {first + 1} to {last} favour"
        )
        if lift > FAVOURED:
            sentences.append(
                f"{which} {name} words: {share:.0%} of the attention, {lift:.1f} times their share "
                "of the words."
            )
        first = last
    return sentences
