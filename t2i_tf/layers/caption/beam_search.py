"""Beam search for captions, in the graph."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import tensorflow as tf

from t2i_tf.text.vocabulary import PAD, UNKNOWN

State = TypeVar("State", bound=tuple)  # a NamedTuple of tensors with one leading dimension
Rows = TypeVar("Rows", bound=tuple)
Step = Callable[[State, tf.Tensor], tuple[State, tf.Tensor, tf.Tensor]]


class BeamState(NamedTuple):
    """K hypotheses for each of B images, rows [B * K], the best of each image first.

    Column 0 of `token_ids` and `outputs` stands before the first word.
    """

    token_ids: tf.Tensor  # int32 [B * K, 1 + N]
    outputs: tf.Tensor  # [B * K, 1 + N, D]
    log_probability: tf.Tensor  # [B * K], nats
    length: tf.Tensor  # int32 [B * K], words, and the end mark where there is one
    finished: tf.Tensor  # bool [B * K]


class BestCaptions(NamedTuple):
    """The best caption of each image."""

    token_ids: tf.Tensor  # int32 [B, N], padded with 0
    outputs: tf.Tensor  # [B, N, D], zero after the last word
    log_probability: tf.Tensor  # [B], nats, the end mark included


class _Extensions(NamedTuple):
    """The K best hypotheses of each image that are one word longer; all [B * K]."""

    row: tf.Tensor  # int32, the hypothesis that it extends
    word: tf.Tensor  # int32
    log_probability: tf.Tensor  # nats
    length: tf.Tensor  # int32


def beam_search(
    step: Step[State],
    state: State,
    *,
    beam: int,
    max_words: int,
    length_power: float,
    output_units: int,
    dtype="float32",
) -> BestCaptions:
    """Captions of 1 to N words with a high score, found with K hypotheses per image.

        score = log p(caption, end) / length ** length_power          length with the end mark

    Finished hypotheses stay among the K and compete with the others by their score. K = 1 is greedy
    search; with K = the number of possible captions the search is exhaustive. The unknown word is
    never generated. Ties go to the better hypothesis and then the smaller id: the result is
    deterministic.

    Args:
        step: `step(state, token_ids [B * K]) -> (state, log_probabilities [B * K, V], outputs
            [B * K, D])`, the prediction of the word after the given one; 0 stands before the first.
        state: a NamedTuple of [B, ...], before the first word.
        beam: K.
        max_words: N.
        length_power: 0 ranks captions by their probability, 1 by the mean over their words.
        output_units: D, width of what `step` returns for each word beside its probability.
        dtype: of log-probabilities and outputs.
    """
    images = tf.shape(state[0])[0]
    beams = _initial_beams(images * beam, beam, 1 + max_words, output_units, dtype)
    state = _gather_rows(state, tf.repeat(tf.range(images), beam))

    def body(t, beams, state):
        state, log_p, outputs = step(state, beams.token_ids[:, t])
        log_p = _mask_forbidden(log_p, beams.finished, first=t == 0, last=t == max_words)
        best = _best_extensions(beams, log_p, beam, length_power)
        return t + 1, _extended(beams, best, outputs, t + 1), _gather_rows(state, best.row)

    _, beams, _ = tf.while_loop(
        lambda t, beams, _: (t <= max_words) & ~tf.reduce_all(beams.finished),
        body,
        (tf.constant(0), beams, state),
        shape_invariants=(tf.TensorShape([]), _any_batch(beams), _any_batch(state)),
    )
    best = _gather_rows(beams, tf.range(images) * beam)
    return BestCaptions(best.token_ids[:, 1:], best.outputs[:, 1:], best.log_probability)


def _initial_beams(rows: tf.Tensor, beam: int, columns: int, output_units: int, dtype) -> BeamState:
    """An empty caption for each image; its other K - 1 hypotheses have probability 0."""
    possible = tf.range(rows) % beam == 0
    return BeamState(
        token_ids=tf.fill([rows, columns], PAD),
        outputs=tf.zeros([rows, columns, output_units], dtype),
        log_probability=tf.where(
            possible, tf.constant(0, dtype), tf.constant(-float("inf"), dtype)
        ),
        length=tf.zeros([rows], tf.int32),
        finished=tf.zeros([rows], tf.bool),
    )


def _mask_forbidden(
    log_p: tf.Tensor, finished: tf.Tensor, first: tf.Tensor, last: tf.Tensor
) -> tf.Tensor:
    """Log-probabilities [B * K, V], -inf for words that are not allowed next."""
    word = tf.range(log_p.shape[-1])
    end = word == PAD
    allowed = (word != UNKNOWN) & ~(first & end) & (~last | end)
    after_end = tf.where(end, tf.zeros_like(log_p), -float("inf"))
    return tf.where(finished[:, None], after_end, tf.where(allowed, log_p, -float("inf")))


def _best_extensions(
    beams: BeamState, log_p: tf.Tensor, beam: int, length_power: float
) -> _Extensions:
    """The K best extensions of each image's hypotheses by one word, from its log p [B * K, V]."""
    size = log_p.shape[-1]
    log_p = beams.log_probability[:, None] + log_p
    length = beams.length + tf.cast(~beams.finished, tf.int32)
    score = log_p / tf.cast(length, log_p.dtype)[:, None] ** length_power
    _, best = tf.math.top_k(tf.reshape(score, [-1, beam * size]), beam)  # of an image's K * V
    image = tf.range(tf.shape(best)[0])[:, None]
    best = tf.reshape(best + image * (beam * size), [-1])  # of all B * K * V
    row = best // size
    log_probability = tf.gather(tf.reshape(log_p, [-1]), best)
    return _Extensions(row, best % size, log_probability, tf.gather(length, row))


def _extended(
    beams: BeamState, extensions: _Extensions, outputs: tf.Tensor, column: tf.Tensor
) -> BeamState:
    """The hypotheses with their extensions' words and outputs [B * K, D] in a column."""
    kept = _gather_rows(beams, extensions.row)
    word, outputs = extensions.word, tf.gather(outputs, extensions.row)
    here = tf.range(beams.token_ids.shape[1]) == column
    written = here[:, None] & (word != PAD)[:, None, None]
    return BeamState(
        token_ids=tf.where(here, word[:, None], kept.token_ids),
        outputs=tf.where(written, outputs[:, None], kept.outputs),
        log_probability=extensions.log_probability,
        length=extensions.length,
        finished=kept.finished | (word == PAD),
    )


def _gather_rows(tensors: Rows, row: tf.Tensor) -> Rows:
    return type(tensors)(*(tf.gather(tensor, row) for tensor in tensors))


def _any_batch(tensors: Rows) -> Rows:
    """The tensors' shapes, with the leading dimension left open."""
    return type(tensors)(*(tf.TensorShape([None, *tensor.shape[1:]]) for tensor in tensors))
