"""A SavedModel with four signatures of the contract and without a network: a wandering square.

The last word of the caption determines the colour of the ground, the first two that of the square,
and the seed its path. The steps attend to the words one after the other.
"""

import tensorflow as tf

from serving import contract
from tests.serving import toy_models

STEPS, SIDE, MAX_WORDS = 10, 32, 16
VOCABULARY = [
    "a",
    "an",
    "the",
    "is",
    "are",
    "in",
    "on",
    "of",
    "at",
    "and",
    "to",
    "across",
    "walking",
    "flying",
    "parked",
    "standing",
    "red",
    "green",
    "blue",
    "yellow",
    "purple",
    "orange",
    "brown",
    "white",
    "black",
    "school",
    "bus",
    "stop",
    "sign",
    "elephant",
    "elephants",
    "herd",
    "airplane",
    "car",
    "house",
    "cake",
    "chocolate",
    "bananas",
    "bowl",
    "dog",
    "skies",
    "clear",
    "rainy",
    "dry",
    "grass",
    "field",
    "parking",
    "lot",
    "table",
    "desert",
    "road",
    ",",
    ".",
]

_DRAWING_INPUTS = [
    tf.TensorSpec([None], tf.string, name=contract.PROMPT),
    tf.TensorSpec([None], tf.int64, name=contract.SEED),
    tf.TensorSpec([None], tf.float32, name=contract.TEMPERATURE),
]
_GUIDED_INPUTS = [
    *_DRAWING_INPUTS,
    tf.TensorSpec([None], tf.float32, name=contract.GUIDANCE),
    tf.TensorSpec([None], tf.string, name=contract.INSTEAD_OF),
]
_SCORE_INPUTS = [
    tf.TensorSpec([None], tf.string, name=contract.PNG_BYTES_IN),
    tf.TensorSpec([None], tf.string, name=contract.PROMPT),
    tf.TensorSpec([None], tf.int64, name=contract.SEED),
]


class WanderingSquare(tf.Module):
    """Images are uint8 [B, 32, 32, 3], drawings have 10 steps."""

    def __init__(self):
        super().__init__()
        values = tf.range(len(VOCABULARY), dtype=tf.int32)
        table = tf.lookup.KeyValueTensorInitializer(list(VOCABULARY), values)
        self.table = tf.lookup.StaticHashTable(table, -1)

    @tf.function(input_signature=_DRAWING_INPUTS)
    def serve(self, prompt, seed, temperature):
        canvases, _, _, _ = self._draw(prompt, seed, temperature)
        return {
            contract.IMAGE: canvases[:, -1],
            contract.PNG_BYTES: _encoded(canvases[:, -1]),
        }

    @tf.function(input_signature=_DRAWING_INPUTS)
    def draw_steps(self, prompt, seed, temperature):
        canvases, windows, words, alignment = self._draw(prompt, seed, temperature)
        words, alignment = _padded(words, ""), _padded(alignment, 0.0)
        return {
            contract.CANVASES: canvases,
            contract.WINDOWS: windows,
            contract.WORDS: words,
            contract.KNOWN: self.table.lookup(words) >= 0,
            contract.ALIGNMENT: alignment,
            contract.PNG_BYTES: _encoded(canvases[:, -1]),
        }

    @tf.function(input_signature=_GUIDED_INPUTS)
    def draw_guided(self, prompt, seed, temperature, guidance, instead_of):
        """As `draw_steps`, brighter with the guidance."""
        answer = self.draw_steps(prompt, seed, temperature)
        added = 20 * guidance[:, None, None, None, None]
        bright = tf.minimum(tf.cast(answer[contract.CANVASES], tf.float32) + added, 255)
        with tf.control_dependencies([tf.debugging.assert_less(tf.size(instead_of), 4096)]):
            canvases = tf.cast(bright, tf.uint8)
        return answer | {
            contract.CANVASES: canvases,
            contract.IMAGE: canvases[:, -1],
            contract.PNG_BYTES: _encoded(canvases[:, -1]),
        }

    @tf.function(input_signature=_SCORE_INPUTS)
    def score(self, png_bytes_in, prompt, seed):
        """The log density of a Gaussian around the image that is drawn for the caption, scaled."""
        sent = tf.map_fn(_decoded, png_bytes_in, fn_output_signature=tf.uint8)
        drawn = self._draw(prompt, seed, tf.ones_like(seed, tf.float32))[0][:, -1]
        difference = tf.cast(sent, tf.float32) - tf.cast(drawn, tf.float32)
        return {contract.BOUND: -tf.reduce_mean(difference**2, [1, 2, 3])}

    def _draw(self, prompt, seed, temperature):
        split = tf.strings.split(tf.strings.lower(prompt))
        with tf.control_dependencies([_checked(split.row_lengths())]):
            words = split.to_tensor("")
        known = tf.strings.to_hash_bucket_fast(words, 997)
        ground, ink = _colour(known[:, -1]), _colour(known[:, 0] + known[:, 1 % tf.shape(words)[1]])
        windows = _windows(seed, temperature)
        canvases = _canvases(ground, ink, windows)
        return canvases, windows, words, _alignment(words)


def _checked(counts):
    """The assertion of an export, which shows three of the counts."""
    return tf.debugging.Assert(
        tf.reduce_all((counts > 0) & (counts <= MAX_WORDS)),
        [f"prompt: expected 1 to {MAX_WORDS} words and marks, got", counts],
    )


def _padded(tensor, value):
    """The last dimension, that of the words, padded to MAX_WORDS."""
    free = MAX_WORDS - tf.shape(tensor)[-1]
    padding = [[0, 0]] * (len(tensor.shape) - 1) + [[0, free]]
    padded = tf.pad(tensor, padding, constant_values=value)
    return tf.ensure_shape(padded, [*tensor.shape[:-1], MAX_WORDS])


def _colour(number):
    """Float [B, 3] in 40..230 of int64 [B]."""
    return tf.cast(40 + (number[:, None] * tf.constant([37, 101, 173], tf.int64)) % 190, tf.float32)


def _windows(seed, temperature):
    """Float [B, T, 4]: squares of 9 pixels a side, on a curve that depends on the seed."""
    phase = tf.cast(seed % 7, tf.float32)[:, None] + tf.linspace(0.0, 5.0, STEPS)[None]
    reach = 11.0 * tf.clip_by_value(temperature, 0.0, 1.0)[:, None]
    top, left = 11.0 + reach * tf.sin(phase), 11.0 + reach * tf.cos(1.7 * phase)
    return tf.stack([top, left, top + 9.0, left + 9.0], -1)


def _canvases(ground, ink, windows):
    """Uint8 [B, T, H, W, 3]: the ground fades in over the steps, and the squares remain."""
    along = tf.range(SIDE, dtype=tf.float32)
    top, left, bottom, right = (edge[..., None] for edge in tf.unstack(windows, axis=-1))
    inside = ((along >= top) & (along <= bottom))[..., None] & ((along >= left) & (along <= right))[
        :, :, None
    ]
    painted = tf.cumsum(tf.cast(inside, tf.int32), 1)[..., None] > 0
    strength = tf.linspace(0.1, 1.0, STEPS)[None, :, None, None, None]
    grey = 128.0 + strength * (ground[:, None, None, None] - 128.0)
    return tf.cast(tf.where(painted, ink[:, None, None, None], grey), tf.uint8)


def _alignment(words):
    """Float [B, T, N], a distribution over the words of a caption at each step."""
    there = words != ""
    place = (
        tf.linspace(0.0, 1.0, STEPS)[None, :, None]
        * tf.cast(tf.reduce_sum(tf.cast(there, tf.int32), 1) - 1, tf.float32)[:, None, None]
    )
    distance = place - tf.range(tf.shape(words)[1], dtype=tf.float32)
    return tf.nn.softmax(tf.where(there[:, None], -(distance**2), -1e9))


def _encoded(image):
    return tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.string)


def _decoded(png):
    return tf.ensure_shape(tf.io.decode_png(png, 3), [SIDE, SIDE, 3])


def export(base_path):
    """Save version 1 under `base_path`, and return that."""
    model = WanderingSquare()
    toy_models.export(
        model,
        base_path,
        1,
        draw_steps=model.draw_steps.get_concrete_function(),
        draw_guided=model.draw_guided.get_concrete_function(),
        score=model.score.get_concrete_function(),
    )
    return base_path
