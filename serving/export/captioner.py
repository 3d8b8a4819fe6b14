"""An image captioner, served."""

import tensorflow as tf

from serving import contract
from serving.export.served_module import Served


class ServedCaptioner(Served):
    """Describes pictures."""

    @property
    def methods(self):  # noqa: D102
        return {contract.DESCRIBE: self.describe}

    def describe(self, png_bytes_in):
        """`describe`: the best caption that the beam search finds."""
        usable = self._usable_count(contract.PNG_BYTES_IN, png_bytes_in, contract.MAX_BATCH)
        with tf.control_dependencies([usable]):
            description = self._model.describe(self._decoded(png_bytes_in))
        return {
            contract.CAPTION: self.tokenizer.sentences(description.token_ids),
            contract.LOG_PROBABILITY: description.log_probability,
            contract.ATTENTION: description.attention,
        }
