import numpy as np

from pipelines.data.precomputed.neighbour_captions import neighbour_ids, next_of_picture
from pipelines.data.prepared.caption_lengths import LengthRange
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import read_captions
from t2i_tf.text.tokenizer import split_words
from tests.data_folders import make_examples, write_data_folder


def test_a_neighbour_is_the_next_caption_of_the_picture_cyclically():
    picture = np.array([0, 0, 0, 1, 2, 2, 2, 2])
    kept = np.array([1, 1, 1, 1, 1, 0, 1, 1], bool)
    assert next_of_picture(picture, kept).tolist() == [1, 2, 0, 3, 6, 5, 7, 4]


def test_nothing_kept_is_its_own():
    assert next_of_picture(np.array([0, 0, 1]), np.zeros(3, bool)).tolist() == [0, 1, 2]


def test_ids_are_those_of_another_caption_of_the_picture(tmp_path):
    examples = make_examples(30, seed=5)
    folder = DataFolder.open(write_data_folder(tmp_path / "d", {"train": examples}))
    ids = neighbour_ids(read_captions(folder, "train"), folder.vocabulary, LengthRange(4, 8, 4))
    assert ids.shape[1] == 8
    row = 0
    for _, _, captions, _ in examples:
        kept = [caption for caption in captions if 4 <= len(split_words(caption)) <= 8]
        for caption in captions:
            if caption in kept:
                expected = kept[(kept.index(caption) + 1) % len(kept)]
                assert folder.vocabulary.words(ids[row]) == split_words(expected)
            row += 1
    assert row == len(ids)
