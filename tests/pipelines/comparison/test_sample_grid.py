import numpy as np

from pipelines.comparison.sample_grid import first_captions
from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.text.tokenizer import split_words
from tests.data_folders import make_examples, write_data_folder


def test_the_first_captions_take_turns_and_are_short_enough(tmp_path):
    examples = make_examples(12, shortest=3, longest=9)
    long = ("long", examples[0][1], ["a " * 8 + "bus"], {"number": 99})
    data = write_data_folder(tmp_path / "data", {"train": [*examples[:2], long, *examples[2:]]})
    pairs = first_captions(DataFolder.open(data), "train", 6, 7)
    assert len(pairs) == 6
    assert all(len(split_words(caption)) <= 7 for caption, _ in pairs)
    by_picture = {image.tobytes(): captions for _, image, captions, _ in examples}
    for caption, image in pairs:
        assert caption in by_picture[np.asarray(image).tobytes()]
    second = examples[1][2]
    if len(split_words(second[1 % len(second)])) <= 7:
        assert pairs[1][0] == second[1 % len(second)]
