"""A sharpener, served by itself."""

import tensorflow as tf

from serving import contract
from serving.export.served_module import Served, png
from t2i_tf.image_ops import to_pixels


class ServedSharpener(Served):
    """Sharpens pictures by their captions."""

    @property
    def methods(self):  # noqa: D102
        return {contract.SHARPEN: self.sharpen}

    def sharpen(self, png_bytes_in, prompt):
        """`sharpen`: the picture with edges, as pixels and as PNG."""
        refusals = [
            self._same_count(prompt, png_bytes_in),
            self._usable_count(contract.PROMPT, prompt, contract.MAX_BATCH),
            *self._usable_prompts(prompt),
        ]
        with tf.control_dependencies(refusals):
            image = tf.cast(self._decoded(png_bytes_in), tf.float32) / 255.0
            sharpened = to_pixels(self._model.sharpen(image, self.reader(prompt)))
        return {contract.IMAGE: sharpened, contract.PNG_BYTES: png(sharpened)}
