"""Shared by every served model: signatures, checks of requests, and example requests."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from serving import contract
from t2i_tf.checkpoints import Trained
from t2i_tf.text.tokenizer import Tokenizer
from t2i_tf.text.vocabulary import UNKNOWN

EXAMPLES = 8  # rows of an example request


class ServedModule(tf.Module):
    """A trained model behind signatures of the contract.

    Args:
        trained: The model, its vocabulary and its settings.
    """

    def __init__(self, trained: Trained):
        super().__init__()
        self._trained = trained
        self._model = trained.model
        self._sizes = trained.config.model
        # The TensorFlow variables themselves. A module that holds the Keras model can be saved, but
        # fails in a Session, because Keras wraps its variables.
        self.weights = [weight.value for weight in trained.model.weights]
        self.tokenizer = Tokenizer(trained.reader.vocabulary, trained.config.max_words)
        self.reader = trained.reader

    @property
    def methods(self) -> Mapping[contract.Signature, Callable[..., dict[str, tf.Tensor]]]:
        """The function that answers each signature."""
        raise TypeError(f"{type(self).__name__} does not define its methods")

    def signatures(self) -> dict:
        """Name of each signature -> its concrete function."""
        return {
            signature.name: _concrete(signature, method)
            for signature, method in self.methods.items()
        }

    def examples(self, signature: contract.Signature) -> dict[str, np.ndarray]:
        """A request that the model can answer: EXAMPLES rows of each input."""
        inputs = {
            contract.PROMPT: lambda: np.array(self._captions(), object),
            contract.SEED: lambda: np.arange(EXAMPLES),
            contract.TEMPERATURE: lambda: np.ones(EXAMPLES, np.float32),
            contract.GUIDANCE: lambda: np.linspace(0, 2, EXAMPLES, dtype=np.float32),
            contract.INSTEAD_OF: lambda: np.array([b"", *self._captions()[:-1]], object),
            contract.BEST_OF: lambda: 1 + np.arange(EXAMPLES) % 3,
            contract.PNG_BYTES_IN: lambda: np.array(self._images(), object),
        }
        return {name: inputs[name]() for name in signature.inputs}

    def _captions(self) -> list[bytes]:
        """Captions of words in the vocabulary."""
        words = self.tokenizer.vocabulary.entries[UNKNOWN + 1 :]
        return [" ".join(words[k % len(words) :][:5]).encode() for k in range(EXAMPLES)]

    def _images(self) -> list[bytes]:
        """Images of noise, PNG."""
        shape = (EXAMPLES, self._sizes.height, self._sizes.width, self._sizes.channels)
        images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        return [tf.io.encode_png(image).numpy() for image in images]

    def _check_same_count(self, first, *others):
        """Assertion that every input has as many rows as the first."""
        count = tf.size(first)
        sizes = tf.stack([tf.size(other) for other in others])
        return tf.debugging.Assert(
            tf.reduce_all(sizes == count),
            ["expected as many of every input as there are prompts,", count, "got", sizes],
        )

    def _sized(self, prompt, limit: int, name: str = contract.PROMPT):
        """The captions of an input, once their number and their bytes are checked.

        Nothing reads them before.
        Words are counted in time and memory that grow with the text, however long it is.
        """
        fits = tf.debugging.Assert(
            tf.reduce_all(tf.strings.length(prompt) <= contract.MAX_PROMPT_BYTES),
            [f"{name}: expected at most {contract.MAX_PROMPT_BYTES} bytes, got more"],
        )
        with tf.control_dependencies([fits, self._check_count(name, prompt, limit)]):
            return tf.identity(prompt)

    def _check_prompts(self, prompt) -> list:
        """Assertions that no caption is empty or has too many words."""
        limit, words = self.tokenizer.max_words, self.tokenizer.lengths(prompt)
        fits = (words > 0) & (words <= limit)
        return [
            tf.debugging.Assert(
                tf.reduce_all(fits),
                # The first that does not fit: the text of an error shows three values at most.
                [f"prompt: expected 1 to {limit} words and marks, got", words[~fits][:1]],
            ),
        ]

    def _check_count(self, name: str, value, limit: int):
        """Assertion that the batch is neither empty nor too large."""
        count = tf.size(value)
        return tf.debugging.Assert(
            (count > 0) & (count <= limit), [f"{name}: expected 1 to {limit} of them, got", count]
        )

    def _decoded(self, png_bytes_in):
        """PNG string [B] to uint8 [B, H, W, C], asserting the size of the model's images."""
        return tf.map_fn(self._decode, png_bytes_in, fn_output_signature=tf.uint8)

    def _decode(self, png):
        sizes = self._sizes
        expected = [sizes.height, sizes.width, sizes.channels]
        # A PNG of a few kilobytes can hold gigabytes of pixels: its header is read first.
        size = _png_size(png)
        fits = tf.debugging.Assert(
            tf.reduce_all(size == expected[:2]),
            [f"png_bytes_in: expected {sizes.height} x {sizes.width} pixels in PNG, got", size],
        )
        with tf.control_dependencies([fits]):
            image = tf.io.decode_png(tf.identity(png), channels=sizes.channels)
        return tf.reshape(image, expected)  # decode_png leaves the static shape unknown


def _png_size(png) -> tf.Tensor:
    """Height and width that the header of a PNG states, int32 [2]; [0, 0] where it has none."""
    header = tf.strings.join([tf.strings.substr(png, 0, 24), "\0" * 24])
    is_png = tf.strings.substr(header, 12, 4) == "IHDR"
    header = tf.where(is_png, tf.strings.substr(header, 0, 24), "\0" * 24)
    width, height = tf.unstack(tf.reshape(tf.io.decode_raw(header, tf.uint8), [3, 2, 4])[2])
    powers = tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    sizes = [tf.reduce_sum(tf.cast(side, tf.int64) * powers) for side in (height, width)]
    return tf.cast(tf.minimum(tf.stack(sizes), 2**31 - 1), tf.int32)


def png(images: tf.Tensor) -> tf.Tensor:
    """uint8 [B, H, W, C] to PNG, string [B]."""
    return tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)


def _concrete(signature: contract.Signature, method):
    specs = {
        name: tf.TensorSpec([None], tensor.dtype, name=name)
        for name, tensor in signature.inputs.items()
    }
    # AutoGraph would take seconds to look through the code of the models, which has nothing for it.
    return tf.function(method, autograph=False).get_concrete_function(**specs)
