import random
import unicodedata

import pytest
import tensorflow as tf

from t2i_tf.text.folding import folded, folded_in_graph

PIECES = [
    *(chr(p) for p in range(0x300, 0x370)),
    *(chr(p) for p in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3))),
    *"aeiouAEIOUßİıſ각갂가ÅǖǕệΐΰᾳὔקָ한্োিக்ொ",
    *(chr(p) for p in (0x5B0, 0x5BC, 0x5C1, 0x93C, 0x94D, 0xE48, 0x3099, 0x9C7, 0x9BE, 0x1FE5)),
]


def in_graph(texts):
    return [text.decode() for text in folded_in_graph(tf.constant(texts)).numpy()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("STRAẞE", "strasse"),
        ("Cafe\u0301", "caf\u00e9"),
        ("İstanbul", "istanbul"),  # our choice: Unicode's folding leaves a dot above the i
        ("Ilık", "ilık"),  # and I is never a dotless ı
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("ﬁsh", "fish"),
        ("한국", "한국"),
        ("", ""),
        ("a\u0000b", "a\u0000b"),
    ],
)
def test_one_spelling(text, expected):
    assert folded(text) == expected
    assert in_graph([text]) == [expected]


def test_accents_in_one_part_and_in_two_are_the_same():
    letters = [chr(p) for p in range(0x20, 0x3000) if unicodedata.category(chr(p))[0] == "L"]
    for form in ("NFC", "NFD"):
        texts = [unicodedata.normalize(form, letter) for letter in letters]
        assert list(map(folded, texts)) == list(map(folded, letters))


def test_python_and_graph_agree_on_every_character_of_the_basic_plane():
    points = (p for p in range(1, 0x10000) if not 0xD800 <= p < 0xE000)
    texts = [f"x{chr(p)}y" for p in points]
    texts += [unicodedata.normalize("NFD", text) for text in texts[:0x3000]]
    assert in_graph(texts) == list(map(folded, texts))


def test_tensorflow_text_folds_alike():
    """Left out is what ICU does besides: compatibility characters, the dot of İ, fillers."""
    tensorflow_text = pytest.importorskip("tensorflow_text")
    letters = [chr(p) for p in range(0x20, 0x10000) if unicodedata.category(chr(p))[0] == "L"]
    compatible = {a for a in letters if not unicodedata.is_normalized("NFKC", a.casefold())}
    plain = sorted({*letters} - compatible - {*"İ\u115f\u1160"})
    texts = [unicodedata.normalize(form, f"x{a}y") for form in ("NFC", "NFD") for a in plain]
    composed = tensorflow_text.normalize_utf8(texts, "NFC")
    icu = tensorflow_text.normalize_utf8(tensorflow_text.case_fold_utf8(composed), "NFC")
    different = {
        text: (ours, theirs.decode())
        for text, ours, theirs in zip(texts, map(folded, texts), icu.numpy(), strict=True)
        if ours != theirs.decode()
    }
    assert not different


def test_python_and_graph_agree_on_accents_in_any_order():
    draw = random.Random(0)
    texts = ["".join(draw.choices(PIECES, k=draw.randrange(1, 9))) for _ in range(5000)]
    assert in_graph(texts) == list(map(folded, texts))


def test_captions_of_a_batch_do_not_meet():
    assert in_graph(["", "\u0301", "e", "\u0301e", "i", "\u0307"]) == [
        "",
        "\u0301",
        "e",
        "\u0301e",
        "i",
        "\u0307",
    ]
    assert folded_in_graph(tf.constant([], tf.string)).shape == (0,)


def test_bytes_that_are_not_utf8_are_replaced():
    assert folded_in_graph(tf.constant([b"\xc3\x84 \xff"])).numpy()[0].decode() == "ä \ufffd"
