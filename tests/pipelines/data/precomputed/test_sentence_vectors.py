from types import SimpleNamespace

from pipelines.data.precomputed.sentence_vectors import unknown_to_encoder
from t2i_tf.text.vocabulary import Vocabulary


def test_words_that_the_encoder_reads_as_unknown_are_named():
    data = Vocabulary.from_counts({"a": 9, "bus": 5, "zebra": 2, "unicorn": 1})
    encoder = SimpleNamespace(vocabulary=Vocabulary.from_counts({"a": 3, "bus": 2, "car": 1}))
    (line,) = unknown_to_encoder(encoder, data)
    assert "2 of the data's 4 words as one unknown word" in line and "zebra, unicorn." in line
    assert unknown_to_encoder(SimpleNamespace(vocabulary=data), data) == []
