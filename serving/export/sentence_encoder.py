"""The signature of a sentence encoder."""

import tensorflow as tf

from serving import contract
from serving.export.served_module import ServedModule


class ServedSentenceEncoder(ServedModule):
    """Encodes captions as sentence vectors."""

    def __init__(self, trained):
        super().__init__(trained)
        self.encoder = trained.model.sentence_encoder(trained.vocabulary)

    @property
    def methods(self):  # noqa: D102
        return {contract.ENCODE: self.encode}

    def encode(self, prompt):
        """`encode`: a vector for each caption."""
        prompt = self._sized(prompt, contract.MAX_BATCH)
        with tf.control_dependencies(self._check_prompts(prompt)):
            return {contract.SENTENCE: self.encoder(prompt)}
