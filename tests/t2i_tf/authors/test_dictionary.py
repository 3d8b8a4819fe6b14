import pickle

from t2i_tf.authors.dictionary import MNIST_DICTIONARY, Dictionary, read_dictionary


def test_the_words_of_mnist_are_found_as_digits_and_as_numerals():
    assert len(MNIST_DICTIONARY.ids) == 22 and MNIST_DICTIONARY.unknown is None
    assert MNIST_DICTIONARY.id_of("7") == MNIST_DICTIONARY.id_of("seven") == 7
    assert MNIST_DICTIONARY.id_of("bus") is None
    assert not MNIST_DICTIONARY.pads and not MNIST_DICTIONARY.unreachable()


def test_the_unknown_word_is_found_as_captions_have_it():
    dictionary = Dictionary("here", {"seven": 1, "UNK": 2, "7": 3, "Bus": 4, "'s": 5})
    assert [dictionary.id_of(word) for word in ("unk", "UNK", "seven", "7")] == [2, 2, 1, 3]
    assert dictionary.words == ("seven", "7", "Bus", "'s")
    assert dictionary.unreachable() == ["Bus", "'s"] and dictionary.pads


def test_words_of_python_2_are_decoded(tmp_path):
    path = tmp_path / "dictionary.pkl"
    path.write_bytes(pickle.dumps({"caf\xc3\xa9": 1, "\xe9": 2}, 0))
    assert dict(read_dictionary(path).ids) == {"café": 1, "é": 2}
