"""The captions that a model card shows drawings of."""

from collections.abc import Sequence

from pipelines.studies.prompts import DIGITS, PHOTOGRAPHS, SCENES
from t2i_tf.errors import UserError
from t2i_tf.hub.pretrained import PretrainedModel
from t2i_tf.text.scripts import is_mark
from t2i_tf.text.tokenizer import split_words

MOST = 6  # rows of the grid
_PLAIN = ("a red bus", "a yellow car in the snow", "a dog on the grass", "a cat", "a man", "a tree")


def card_captions(model: PretrainedModel, wanted: Sequence[str] = ()) -> list[str]:
    """The wanted captions, or a few that the model can draw.

    These are captions of the talk, or plain ones, whose words are all in the vocabulary; where
    there are none, the most frequent words by themselves.

    Raises:
        UserError: the vocabulary is empty.
    """
    if wanted:
        return list(wanted)
    families = (SCENES, PHOTOGRAPHS, DIGITS)
    talk = [captions[0] for family in families for captions in family["compositions"]]
    known = [caption for caption in (*talk, *_PLAIN) if _is_drawable(model, caption)]
    chosen = known or _frequent_words(model)
    if not chosen:
        raise UserError("The model's vocabulary is empty: there is nothing that it can draw.")
    return chosen[:MOST]


def _is_drawable(model: PretrainedModel, caption: str) -> bool:
    fits = len(split_words(caption, model.reader.vocabulary)) <= model.settings.max_words
    return fits and not model.unknown_words(caption)


def _frequent_words(model: PretrainedModel) -> list[str]:
    return [word for word in model.reader.vocabulary.entries[2:] if not is_mark(word)]
