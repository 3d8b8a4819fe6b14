import pytest

from t2i_tf.errors import UserError
from t2i_tf.text.vocabulary import PAD, UNKNOWN, Vocabulary


@pytest.fixture
def vocabulary():
    return Vocabulary.from_counts({"dog": 3, "a": 9, "cat": 3, "yak": 1}, min_count=2)


def test_words_are_ordered_by_count_then_alphabet(vocabulary):
    assert list(vocabulary.entries) == ["<pad>", "<unk>", "a", "cat", "dog"]
    assert len(vocabulary) == 5
    assert vocabulary.counts == (0, 0, 9, 3, 3)


def test_ids_and_words_are_inverse(vocabulary):
    assert vocabulary.ids(["dog", "yak", "a", "<pad>"]) == [4, UNKNOWN, 2, UNKNOWN]
    assert vocabulary.words([4, 1, 2, PAD, PAD]) == ["dog", "<unk>", "a"]


def test_reserved_words_are_not_in_a_vocabulary(vocabulary):
    assert "dog" in vocabulary
    assert "yak" not in vocabulary
    assert "<unk>" not in vocabulary


def test_max_size_counts_the_reserved_ids():
    counts = {"a": 3, "b": 2, "c": 1}
    assert Vocabulary.from_counts(counts, max_size=4).entries[2:] == ("a", "b")
    assert len(Vocabulary.from_counts(counts, max_size=1)) == 2


def test_a_saved_vocabulary_is_loaded_again(vocabulary, tmp_path):
    path = tmp_path / "vocabulary.txt"
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert path.read_text() == "<pad>\t0\n<unk>\t0\na\t9\ncat\t3\ndog\t3\n"
    assert loaded == vocabulary
    assert loaded.fingerprint == vocabulary.fingerprint
    assert [file.name for file in tmp_path.iterdir()] == ["vocabulary.txt"]


def test_other_ids_have_another_fingerprint(vocabulary):
    other = Vocabulary.from_counts({"dog": 4, "a": 9, "cat": 3})
    assert other != vocabulary
    assert other.fingerprint != vocabulary.fingerprint


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"<pad>\t0\n<unk>\t0\ncaf\xe9\t1\n", "byte 19 is not UTF-8"),
        (b"<pad>\t0\n<unk>\t0\na\t" + b"9" * 5000, "line 3: expected a word, a tab and its count"),
        (b"<pad>\t0\n<unk>\t0\na 1\n", "line 3: expected a word, a tab and its count, found 'a 1'"),
        (b"<pad>\t0\n<unk>\t0\na\t-1\n", "line 3"),
        (b"<pad>\t0\n<unk>\t0\n\na\t1\n", "line 3"),
        (b"a\t2\nb\t1\n", "begin with the lines <pad> and <unk>, found"),
        (b"<pad>\t0\n", "begin with the lines"),
        (b"<pad>\t0\n<unk>\t0\na\t2\na\t1\n", "twice"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, contents, message):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(contents)
    with pytest.raises(UserError, match=message) as caught:
        Vocabulary.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.txt.*No such file"):
        Vocabulary.load(tmp_path / "nowhere.txt")


@pytest.mark.parametrize("segmenter", ["", "icu4py 1.2.0"])
def test_the_header_says_how_captions_are_read(tmp_path, segmenter):
    path = tmp_path / "vocabulary.txt"
    vocabulary = Vocabulary.from_counts({"é": 2, "#": 1}, folded=True, segmenter=segmenter)
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert path.read_text().splitlines()[0] == vocabulary.header
    assert vocabulary.fingerprint != Vocabulary.from_counts({"é": 2, "#": 1}).fingerprint


def test_a_header_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text("# t2i-tf vocabulary 3: NFKC\n<pad>\t0\n<unk>\t0\n")
    with pytest.raises(UserError, match="later version"):
        Vocabulary.load(path)


def test_lines_after_a_header_keep_their_numbers(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text("# t2i-tf vocabulary 2: NFC, casefold\n<pad>\t0\n<unk>\t0\nword\n")
    with pytest.raises(UserError, match="line 4"):
        Vocabulary.load(path)
