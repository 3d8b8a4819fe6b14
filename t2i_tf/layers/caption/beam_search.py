"""Beam search for captions, in the graph."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2i_tf.text.vocabulary import PAD, UNKNOWN


class BeamState(NamedTuple):
    """K beginnings of a caption for each of B pictures, in rows [B * K], the best first.

    Column 0 of `token_ids` and `outputs` stands before the first word.
    """

    token_ids: tf.Tensor  # int32 [B * K, 1 + N]
    outputs: tf.Tensor  # [B * K, 1 + N, D]
    log_probability: tf.Tensor  # [B * K], nats
    length: tf.Tensor  # int32 [B * K], words, and the end mark where there is one
    finished: tf.Tensor  # bool [B * K]


class BestCaptions(NamedTuple):
    """The best caption of each picture."""

    token_ids: tf.Tensor  # int32 [B, N], filled up with 0
    outputs: tf.Tensor  # [B, N, D], zero after the last word
    log_probability: tf.Tensor  # [B], nats, that of the end mark included


def beam_search(
    step: Callable,
    state: Any,
    *,
    beam: int,
    max_words: int,
    length_power: float,
    output_units: int,
    dtype="float32",
) -> BestCaptions:
    """The captions of 1 to N words with the highest score that K hypotheses a picture meet.

        score = log p(caption, end) / length ** length_power          length with the end mark

    Finished hypotheses stay among the K and compete with the others by their score. K = 1 takes the
    most probable word again and again; as many as there are captions meet them all. "Unknown" is
    never written. Ties go to the better beginning and the smaller id: nothing is left to chance.

    Args:
        step: `step(state, token_ids [B * K]) -> (state, log_probabilities [B * K, V], outputs
            [B * K, D])`, all about the word after the given one; 0 stands before the first word.
        state: a NamedTuple of [B, ...], before the first word.
        beam: K.
        max_words: N.
        length_power: 0 ranks captions by their probability, 1 by the mean over their words.
        output_units: D, of what each word leaves to be looked at.
        dtype: of log-probabilities and outputs.
    """
    pictures = tf.shape(state[0])[0]
    hypotheses = _begin(pictures * beam, beam, 1 + max_words, output_units, dtype)
    state = _rows_of(state, tf.repeat(tf.range(pictures), beam))

    def extend(t, hypotheses, state):
        state, log_p, outputs = step(state, hypotheses.token_ids[:, t])
        log_p = _only_allowed(log_p, hypotheses.finished, first=t == 0, last=t == max_words)
        row, word, log_p, length = _best(hypotheses, log_p, beam, length_power)
        kept = _rows_of(hypotheses, row)
        here = tf.range(1 + max_words) == t + 1
        grown = BeamState(
            token_ids=tf.where(here, word[:, None], kept.token_ids),
            outputs=tf.where(
                here[:, None] & (word != PAD)[:, None, None],
                tf.gather(outputs, row)[:, None],
                kept.outputs,
            ),
            log_probability=log_p,
            length=length,
            finished=kept.finished | (word == PAD),
        )
        return t + 1, grown, _rows_of(state, row)

    _, hypotheses, _ = tf.while_loop(
        lambda t, hypotheses, _: (t <= max_words) & ~tf.reduce_all(hypotheses.finished),
        extend,
        (tf.constant(0), hypotheses, state),
        shape_invariants=(
            tf.TensorShape([]),
            *(
                type(t)(*(tf.TensorShape([None, *x.shape[1:]]) for x in t))
                for t in (hypotheses, state)
            ),
        ),
    )
    best = _rows_of(hypotheses, tf.range(pictures) * beam)
    return BestCaptions(best.token_ids[:, 1:], best.outputs[:, 1:], best.log_probability)


def _begin(rows: tf.Tensor, beam: int, columns: int, output_units: int, dtype) -> BeamState:
    """An empty caption for each picture; the rest of its hypotheses are impossible."""
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


def _rows_of(parts: Any, row: tf.Tensor) -> Any:
    return type(parts)(*(tf.gather(part, row) for part in parts))


def _only_allowed(
    log_p: tf.Tensor, finished: tf.Tensor, first: tf.Tensor, last: tf.Tensor
) -> tf.Tensor:
    """Log-probabilities [B * K, V], -inf where a word may not stand."""
    word = tf.range(log_p.shape[-1])
    end = word == PAD
    allowed = (word != UNKNOWN) & ~(first & end) & (~last | end)
    after_end = tf.where(end, tf.zeros_like(log_p), -float("inf"))
    return tf.where(finished[:, None], after_end, tf.where(allowed, log_p, -float("inf")))


def _best(
    hypotheses: BeamState, log_p: tf.Tensor, beam: int, length_power: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """The K best continuations of a picture's hypotheses by one word, log-probabilities [B * K, V].

    Returns:
        Of each, [B * K]: the row that it continues, its word, log-probability and length.
    """
    size = log_p.shape[-1]
    log_p = hypotheses.log_probability[:, None] + log_p
    length = hypotheses.length + tf.cast(~hypotheses.finished, tf.int32)
    score = log_p / tf.cast(length, log_p.dtype)[:, None] ** length_power
    _, chosen = tf.math.top_k(tf.reshape(score, [-1, beam * size]), beam)
    picture = tf.range(tf.shape(chosen)[0])[:, None]
    chosen = tf.reshape(chosen + picture * (beam * size), [-1])  # in all rows, one after the other
    row = chosen // size
    return row, chosen % size, tf.gather(tf.reshape(log_p, [-1]), chosen), tf.gather(length, row)
