"""Words and steps: is the attention over the words other than uniform, and on which words?"""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from pipelines.data.prepared.split_reader import read_captions
from pipelines.figures.attention_curves import attention_curves
from pipelines.figures.word_attention import alignment_figure
from pipelines.sampling.sampler import Sample
from pipelines.studies.study_context import StudyContext
from pipelines.studies.study_result import Finding
from pipelines.studies.word_classes import CLASSES, word_classes
from t2i_tf.errors import UsageError, UserError
from t2i_tf.metrics.bootstrap import bootstrap_interval
from t2i_tf.text.tokenizer import split_words

SPLIT = "test"
SHOWN = 3  # captions whose alignment is a figure
FLAT = 0.95  # of the uniform entropy: steps above it hardly choose among the words
FAVOURED = 1.2  # times the share of the words: a class with less attention is not worth a sentence


class Attention(NamedTuple):
    """The attention of many captions, a row for each."""

    entropy: np.ndarray  # [captions, T], nats
    uniform: np.ndarray  # [captions], log N, nats
    shares: np.ndarray  # [captions, T, classes], of the attention
    words: np.ndarray  # [captions, classes], of the words: the attention were it uniform
    peaks: np.ndarray  # int [captions, T], class of the word that has the most


def study_alignment(
    context: StudyContext, sentences: Sequence[str], *, captions: int, seed: int
) -> Finding:
    """Draw many captions and measure the attention over the words at every step.

    Args:
        sentences: instead of captions of the split `test`.
        captions: how many of the split, drawn at random.

    Raises:
        UserError: the system sees no words.
        UsageError: neither sentences nor a data folder.
    """
    if context.sampler.model.reads != "token_ids":
        raise UserError(
            f"{context.workdir} holds a run of {context.title}, which sees a vector of the whole "
            "sentence and no words: it attends to none of them. Study a run of alignDRAW."
        )
    asked = list(sentences) or _test_captions(context, captions, seed)
    drawn = [
        one
        for one in context.draw_pairs([(caption, seed + k) for k, caption in enumerate(asked)])
        if len(one.words) > 1  # one word has all the attention
    ]
    attention = measure_attention(drawn)
    present = attention.words.any(0)
    names = [name for name, there in zip(CLASSES, present, strict=True) if there]
    by_step, uniform = attention.shares.mean(0)[:, present], attention.words.mean(0)[present]
    relative = attention.entropy / attention.uniform[:, None]
    figures = {
        "alignment": attention_curves(
            relative,
            dict(zip(names, by_step.T, strict=True)),
            dict(zip(names, uniform.tolist(), strict=True)),
        )
    }
    for k, one in enumerate(drawn[:SHOWN], start=1):
        figures[f"alignment-words-{k}"] = alignment_figure(one.alignment, one.words, one.canvases)
    table = _table(relative, by_step, uniform, names)
    margin = _margin(attention)
    return Finding(
        "Words and steps",
        _text(len(drawn), relative, margin, table, names),
        table,
        figures,
        {
            "captions": len(drawn),
            "margin": margin,
            "most_attended": _most_attended(attention),
            "words": _top_words(drawn),
        },
    )


def measure_attention(drawn: Sequence[Sample]) -> Attention:
    """Entropy and classes of the attention of drawings of two words or more.

    Raises:
        UserError: there is none, so that there is nothing to choose.
    """
    if not drawn:
        raise UserError("Expected captions of two words or more: one word has all the attention.")
    classes = [np.array([CLASSES.index(c) for c in word_classes(one.words)]) for one in drawn]
    member = [of_one[:, None] == np.arange(len(CLASSES)) for of_one in classes]  # [N, classes]
    alignment = [one.alignment.astype(np.float64) for one in drawn]
    return Attention(
        entropy=np.stack([_entropy(a) for a in alignment]),
        uniform=np.log([len(one.words) for one in drawn]),
        shares=np.stack([a @ m for a, m in zip(alignment, member, strict=True)]),
        words=np.stack([m.mean(0) for m in member]),
        peaks=np.stack([c[a.argmax(1)] for a, c in zip(alignment, classes, strict=True)]),
    )


def _entropy(alignment: np.ndarray) -> np.ndarray:
    """Of each row of [T, N], nats."""
    return -(alignment * np.log(np.maximum(alignment, 1e-30))).sum(1)


def _test_captions(context: StudyContext, count: int, seed: int) -> list[str]:
    if context.folder is None:
        raise UsageError("Nothing to attend to: name a data folder with --data, or sentences.")
    found = [caption.decode() for caption in read_captions(context.folder, SPLIT).text]
    fitting = [c for c in found if 2 <= len(split_words(c)) <= context.sampler.max_words]
    if not fitting:
        raise UserError(
            f"{context.folder.path}, split {SPLIT!r}: expected captions of 2 to "
            f"{context.sampler.max_words} words, found none."
        )
    order = np.random.default_rng(seed).permutation(len(fitting))[:count]
    return [fitting[k] for k in order]


def _table(relative, by_step, uniform, names: Sequence[str]) -> list[dict[str, Any]]:
    """A row a step: entropy as a share of the uniform one's, and the share of each class."""
    rows = []
    for t, shares in enumerate(by_step):
        low, high = bootstrap_interval(relative[:, t]) if len(relative) > 1 else (None, None)
        entropy = {"entropy": float(relative[:, t].mean()), "low": low, "high": high}
        rows.append({"step": str(t + 1)} | entropy | dict(zip(names, shares.tolist(), strict=True)))
    flat = {"step": "uniform", "entropy": 1.0, "low": None, "high": None}
    return [*rows, flat | dict(zip(names, uniform.tolist(), strict=True))]


def _margin(attention: Attention) -> dict[str, Any]:
    """How far the entropy is below the uniform one's, in the mean over steps: nats, and a share."""
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
    """The share of steps whose most attended word is of a class."""
    counts = np.bincount(attention.peaks.ravel(), minlength=len(CLASSES)) / attention.peaks.size
    return {name: float(c) for name, c in zip(CLASSES, counts, strict=True) if c}


def _top_words(drawn: Sequence[Sample], count: int = 6) -> list[dict[str, float]]:
    """Of each step the words that have the most attention, summed over captions; shares."""
    steps = []
    for t in range(len(drawn[0].alignment)):
        total = Counter()
        for one in drawn:
            for word, share in zip(one.words, one.alignment[t], strict=True):
                total[word] += float(share) / len(drawn)
        steps.append({word: share for word, share in total.most_common(count) if share})
    return steps


def _text(count: int, relative, margin, table, names: Sequence[str]) -> str:
    """What the figures say."""
    by_step = relative.mean(0)
    said = [
        f"Over {count} captions the entropy of the attention is {1 - margin['share']:.1%} of the "
        f"uniform one's, in the mean over the steps: {margin['nats']:.3f} nats below it"
    ]
    if margin["nats_interval"]:
        low, high = margin["nats_interval"]
        said[0] += f" (95 % interval {low:.3f} to {high:.3f})"
    said[0] += "."
    sharpest = int(by_step.argmin())
    flat = [str(t + 1) for t, entropy in enumerate(by_step) if entropy > FLAT]
    said.append(f"Step {sharpest + 1} is the sharpest, with {by_step[sharpest]:.0%}.")
    if flat:
        said.append(f"Over {FLAT:.0%}, and so hardly a choice, are the steps {', '.join(flat)}.")
    return " ".join([*said, *_favoured(table, names)])


def _favoured(table, names: Sequence[str]) -> list[str]:
    """Sentences on the classes that have the most attention for their share of the words."""
    *steps, uniform = table
    lifts = [{name: row[name] / uniform[name] for name in names} for row in steps]
    best = [max(of_one, key=of_one.__getitem__) for of_one in lifts]
    said, first = [], 0
    for name, run in groupby(best):
        last = first + len(list(run))
        share = np.mean([row[name] for row in steps[first:last]])
        lift = np.mean([of_one[name] for of_one in lifts[first:last]])
        which = (
            f"Step {last} favours" if last - first == 1 else f"Steps {first + 1} to {last} favour"
        )
        if lift > FAVOURED:
            said.append(
                f"{which} {name} words: {share:.0%} of the attention, {lift:.1f} times their share "
                "of the words."
            )
        first = last
    return said
