"""What every served model has: its signatures, its refusals, and examples of its requests."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from serving import contract
from t2i_tf.checkpoints import Trained
from t2i_tf.text.tokenizer import Tokenizer
from t2i_tf.text.vocabulary import UNKNOWN

EXAMPLES = 8


class Served(tf.Module):
    """A trained model behind signatures of the contract.

    A Keras model held as it is saves, but fails in a Session: Keras wraps its variables. So the
    variables themselves are kept on the module.
    """

    def __init__(self, trained: Trained):
        super().__init__()
        self._trained = trained
        self._model = trained.model
        self._sizes = trained.config.model
        self.weights = [weight.value for weight in trained.model.weights]
        self.tokenizer = Tokenizer(trained.vocabulary, trained.config.max_words)
        self.reader = trained.reader

    @property
    def methods(self) -> Mapping[contract.Signature, Callable[..., dict[str, tf.Tensor]]]:
        """The function that answers each signature."""
        raise TypeError("a served model names its methods")

    def signatures(self) -> dict:
        """Name -> a concrete function for each signature."""
        return {
            signature.name: _concrete(signature, method)
            for signature, method in self.methods.items()
        }

    def examples(self, signature: contract.Signature) -> dict[str, np.ndarray]:
        """Eight rows of each input, which the model can answer."""
        made = {
            contract.PROMPT: lambda: np.array([c.encode() for c in self._captions()], object),
            contract.SEED: lambda: np.arange(EXAMPLES),
            contract.TEMPERATURE: lambda: np.ones(EXAMPLES, np.float32),
            contract.PNG_BYTES_IN: lambda: np.array(self._pictures(), object),
        }
        return {name: made[name]() for name in signature.inputs}

    def _captions(self) -> list[str]:
        """Captions of words that the model knows."""
        words = self._trained.vocabulary.entries[UNKNOWN + 1 :]
        return [" ".join(words[k % len(words) :][:5]) for k in range(EXAMPLES)]

    def _pictures(self) -> list[bytes]:
        """Pictures of noise, PNG."""
        shape = (EXAMPLES, self._sizes.height, self._sizes.width, self._sizes.channels)
        pictures = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        return [tf.io.encode_png(picture).numpy() for picture in pictures]

    def _same_count(self, first, *others):
        """Refuses inputs of which there are not as many as of the first."""
        count = tf.size(first)
        sizes = tf.stack([tf.size(other) for other in others])
        return tf.debugging.Assert(
            tf.reduce_all(sizes == count),
            ["expected as many of every input as there are prompts,", count, "got", sizes],
        )

    def _usable_prompts(self, prompt) -> list:
        """Refuses captions that are too long, or have no words or too many."""
        limit, words = self.tokenizer.max_words, self.tokenizer.lengths(prompt)
        return [
            tf.debugging.Assert(
                tf.reduce_all(tf.strings.length(prompt) <= contract.MAX_PROMPT_BYTES),
                [f"prompt: expected at most {contract.MAX_PROMPT_BYTES} bytes, got more"],
            ),
            tf.debugging.Assert(
                tf.reduce_all((words > 0) & (words <= limit)),
                [f"prompt: expected 1 to {limit} words and marks, got", words],
            ),
        ]

    def _usable_count(self, name: str, value, limit: int):
        """Refuses an empty batch and one that is too large."""
        count = tf.size(value)
        return tf.debugging.Assert(
            (count > 0) & (count <= limit), [f"{name}: expected 1 to {limit} of them, got", count]
        )

    def _decoded(self, png_bytes_in):
        """PNG string [B] to uint8 [B, H, W, C]; refuses other sizes than the model's."""
        return tf.map_fn(self._decode, png_bytes_in, fn_output_signature=tf.uint8)

    def _decode(self, png):
        sizes = self._sizes
        image = tf.io.decode_png(png, channels=sizes.channels)
        expected = [sizes.height, sizes.width, sizes.channels]
        size = tf.shape(image)
        fits = tf.debugging.Assert(
            tf.reduce_all(size == expected),
            [f"png_bytes_in: expected {sizes.height} x {sizes.width} pixels, got", size[:2]],
        )
        with tf.control_dependencies([fits]):
            return tf.reshape(image, expected)


def png(images: tf.Tensor) -> tf.Tensor:
    """uint8 [B, H, W, C] to PNG, string [B]."""
    return tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)


def _concrete(signature: contract.Signature, method):
    specs = {
        name: tf.TensorSpec([None], tensor.dtype, name=name)
        for name, tensor in signature.inputs.items()
    }
    return tf.function(method).get_concrete_function(**specs)
