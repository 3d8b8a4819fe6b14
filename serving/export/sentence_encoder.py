"""A sentence encoder, served."""

import tensorflow as tf

from serving import contract
from serving.export.served_module import Served


class ServedEncoder(Served):
    """Makes vectors of captions."""

    def __init__(self, trained):
        super().__init__(trained)
        self.encoder = trained.model.sentence_encoder(trained.vocabulary)

    @property
    def methods(self):  # noqa: D102
        return {contract.ENCODE: self.encode}

    def encode(self, prompt):
        """`encode`: a vector for each caption."""
        refusals = [
            self._usable_count(contract.PROMPT, prompt, contract.MAX_BATCH),
            *self._usable_prompts(prompt),
        ]
        with tf.control_dependencies(refusals):
            return {contract.SENTENCE: self.encoder(prompt)}
