"""Weights of a trained model for a new one, whose vocabulary may differ."""

import dataclasses
from typing import NamedTuple

import numpy as np

from t2i_tf.errors import UserError
from t2i_tf.hub.larger_windows import with_larger_windows
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.models import TrainableModel, build_model
from t2i_tf.text.tokenizer import split_pieces
from t2i_tf.text.vocabulary import UNKNOWN, Vocabulary

_FIRST_WORD = UNKNOWN + 1


class Transfer(NamedTuple):
    """What a new model took over."""

    taken: int  # weight tensors
    enlarged: list[str]  # those among them that were enlarged for larger windows
    not_taken: dict[str, str]  # tensors of the new model that keep their initial values, with why
    left: list[str]  # tensors of the trained model that the new one lacks
    known_words: int  # words that keep their rows; 0, as the next two, if no tensor has such rows
    new_words: int  # words that begin at the mean of all old rows
    left_words: int  # words of the old vocabulary that the new one lacks


def transfer(source: PretrainedModel, network: TrainableModel, vocabulary: Vocabulary) -> Transfer:
    """Put the weights of a trained model that fit, by name and shape, into a new one.

    Where a tensor has a row (or column) for each word, words of both vocabularies keep theirs, and
    new ones begin at the mean (our choice). Windows that are larger by an even number of pixels
    begin by drawing what the smaller ones drew.

    Args:
        source: the trained model.
        network: the new model, with initial weights.
        vocabulary: words of the new model.

    Raises:
        UserError: not a single tensor fits; nothing is changed.
    """
    trained = {variable.path: variable.numpy() for variable in source.network.weights}
    axes = _word_axes(source, trained)
    old = with_larger_windows(trained, source.network, network)
    values, not_taken = {}, {}
    for variable in network.weights:
        shape = tuple(variable.shape)
        if variable.path not in old:
            not_taken[variable.path] = "the trained model has none"
            continue
        value = old[variable.path]
        if variable.path in axes:
            axis = axes[variable.path]
            initial = np.moveaxis(variable.numpy(), axis, 0)
            rows = _rows(np.moveaxis(value, axis, 0), source.vocabulary, vocabulary, initial)
            value = np.moveaxis(rows, 0, axis)
        if value.shape != shape:
            not_taken[variable.path] = f"expected the shape {shape}, got {value.shape}"
            continue
        values[variable.path] = value
    if not values:
        raise UserError(
            f"No weight of the {source.network.title} fits this {network.title}. Choose the preset"
            " of the system that it was trained with, or leave out --preset."
        )
    for variable in network.weights:
        if variable.path in values:
            variable.assign(values[variable.path])
    words = vocabulary.entries[_FIRST_WORD:] if axes.keys() & values.keys() else ()
    ids = _ids(source.vocabulary, vocabulary)
    known = sum(word in ids for word in words)
    before = source.vocabulary.entries[_FIRST_WORD:] if words else ()
    gone = sum(_respelled(word, source.vocabulary, vocabulary) not in vocabulary for word in before)
    left = sorted(old.keys() - {variable.path for variable in network.weights})
    enlarged = sorted(path for path in values if old[path].shape != trained[path].shape)
    return Transfer(len(values), enlarged, not_taken, left, known, len(words) - known, gone)


def _word_axes(source: PretrainedModel, old: dict[str, np.ndarray]) -> dict[str, int]:
    """The tensors that have a row for each word, and the axis along which they do.

    It is the axis that grows with the vocabulary, whichever system it is.
    """
    config = source.settings.model
    if not hasattr(config, "vocabulary_size"):
        return {}
    larger = dataclasses.replace(config, vocabulary_size=config.vocabulary_size + 1)
    probe = build_model(larger, caption_dropout=source.settings.caption_dropout)
    return {
        variable.path: axis
        for variable in probe.weights
        for axis, size in enumerate(variable.shape)
        if size != old[variable.path].shape[axis]
    }


def _ids(before: Vocabulary, now: Vocabulary) -> dict[str, int]:
    """The old ids by word, and by the word as the new vocabulary spells it."""
    ids = {word: i for i, word in enumerate(before.entries)}
    for i, word in enumerate(before.entries):
        ids.setdefault(_respelled(word, before, now), i)
    return ids


def _respelled(word: str, before: Vocabulary, now: Vocabulary) -> str:
    pieces = split_pieces(word) if now.folded and not before.folded else []
    return pieces[0] if len(pieces) == 1 else word


def _rows(old: np.ndarray, before: Vocabulary, now: Vocabulary, initial: np.ndarray) -> np.ndarray:
    """Rows of the new vocabulary: reserved and known words keep theirs, new ones have the mean.

    What follows the words, such as the empty caption, is taken where both have it.

    Args:
        old: rows of the old vocabulary, [V, ...].
        before, now: the vocabularies.
        initial: initial rows of the new model, [V', ...].
    """
    if old.shape[1:] != initial.shape[1:]:
        return old
    ids = _ids(before, now)
    words = old[_FIRST_WORD : len(before)]
    mean = words.mean(axis=0) if len(words) else old[UNKNOWN]
    rows = [old[ids[word]] if word in ids else mean for word in now.entries]
    after, wanted = old[len(before) :], initial[len(now) :]
    kept = after if len(after) == len(wanted) else wanted
    return np.concatenate([np.stack(rows), kept]).astype(old.dtype)
