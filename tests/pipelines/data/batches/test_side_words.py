import pytest

from pipelines.data.batches.side_words import names_a_side

SIDES = {
    "English": "left right leftmost",
    "German": "links rechts linken rechter",
    "Dutch": "linker rechter",
    "Swedish": "vänster höger",
    "Danish": "venstre højre",
    "Norwegian": "høyre",
    "French": "gauche droite",
    "Spanish": "izquierda derecha",
    "Portuguese": "esquerda direita",
    "Italian": "sinistra destra",
    "Romanian": "stânga dreapta",
    "Polish": "lewej prawej",
    "Czech": "vlevo vpravo",
    "Russian": "слева справа левой правой",
    "Turkish": "solda sağda",
    "Vietnamese": "trái phải",
    "Indonesian": "kiri kanan",
    "Greek": "αριστερά δεξιά",
    "Chinese": "左边 右侧 左",
    "Japanese": "左側 右",
    "Korean": "왼쪽에 오른쪽에",
    "Thai": "ซ้าย ทางขวา",
    "Arabic": "اليسار اليمين",
    "Hebrew": "משמאל מימין",
    "Hindi": "बाएं दाएं",
}
OTHERS = (
    "a",
    "bright",
    "dog",
    ",",
    "лев",
    "lion",
    "solo",
    "rechteck",
    "gaucho",
    "汽车",
    "รถ",
    "سيارة",
)


@pytest.mark.parametrize("language", SIDES)
def test_sides_in_many_languages(language):
    assert [word for word in SIDES[language].split() if not names_a_side(word)] == []


def test_other_words_name_no_side():
    assert list(filter(names_a_side, OTHERS)) == []
