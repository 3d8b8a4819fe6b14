"""The signature of a sharpener that is served by itself."""

import tensorflow as tf

from serving import contract
from serving.export.served_module import ServedModule, png
from t2i_tf.image_ops import from_pixels, to_pixels


class ServedSharpener(ServedModule):
    """Sharpens images, conditioned on their captions."""

    @property
    def methods(self):  # noqa: D102
        return {contract.SHARPEN: self.sharpen}

    def sharpen(self, png_bytes_in, prompt):
        """`sharpen`: the sharpened image, as pixels and as PNG."""
        prompt = self._sized(prompt, contract.MAX_BATCH)
        checks = [self._check_same_count(prompt, png_bytes_in), *self._check_prompts(prompt)]
        with tf.control_dependencies(checks):
            image = from_pixels(self._decoded(png_bytes_in), tf.float32)
            sharpened = to_pixels(self._model.sharpen(image, self.reader(prompt)))
        return {contract.IMAGE: sharpened, contract.PNG_BYTES: png(sharpened)}
