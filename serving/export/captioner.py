"""The signature of an image captioner."""

import tensorflow as tf

from serving import contract
from serving.export.served_module import ServedModule


class ServedCaptioner(ServedModule):
    """Describes images."""

    @property
    def methods(self):  # noqa: D102
        return {contract.DESCRIBE: self.describe}

    def describe(self, png_bytes_in):
        """`describe`: the best caption of the beam search."""
        check = self._check_count(contract.PNG_BYTES_IN, png_bytes_in, contract.MAX_BATCH)
        with tf.control_dependencies([check]):
            description = self._model.describe(self._decoded(png_bytes_in))
        return {
            contract.CAPTION: self.tokenizer.sentences(description.token_ids),
            contract.LOG_PROBABILITY: description.log_probability,
            contract.ATTENTION: description.attention,
        }
