"""Words that name a side, left or right, in languages that many captions are written in."""

import re

_WORDS = (  # with spaces between words: whole words, with their endings
    r"(left|right)(most|hand|wards?)?",  # English
    r"links|rechts|(linke|rechte)[mnrs]?|linkse|rechtse|(linker|rechter)\w*",  # German, Dutch
    r"vänster|vänstra|venstre|höger|högra|høyre|højre",  # Swedish, Norwegian, Danish
    r"gauches?|droites?",  # French
    r"izquierd[ao]s?|derech[ao]s?|esquerd[ao]s?|direit[ao]s?",  # Spanish, Portuguese
    r"sinistr[aoei]|destr[aoei]|st[âa]ng[aă]?|dreapt[aă]",  # Italian, Romanian
    r"(lew|praw)(o|a|e|y|ej|ą|ym|ego)",  # Polish
    r"(v|do)?(levo|leva|pravo|prava)|(lev|prav)[áéý]\w*",  # Czech
    r"(с|на)?лева|(с|на)?права|(на)?лево|(на)?право|(ле|пра)в(ая|ой|ый|ом|ую|ое|ого|ым)",  # Russian
    r"sol(da|daki|unda|undaki|a|dan)?|sağ(da|daki|ında|ındaki|a|dan)?",  # Turkish
    r"trái|phải|kiri|kanan",  # Vietnamese, Indonesian
    r"αριστερ\w+|δεξι\w+",  # Greek
)
_PARTS = (  # without spaces, or with endings and prefixes of all kinds: anywhere in a word
    "[左右]|왼|오른쪽|오른편|좌측|우측|ซ้าย|ขวา",  # Chinese, Japanese; Korean; Thai
    "يسار|يمين|[أا]يسر|[أا]يمن|يسرى|يمنى|שמאל|ימין|ימני",  # Arabic, Hebrew
    "बाए|बाईं|बायी|बायाँ|दाए|दाईं|दायी|दायाँ",  # Hindi
)
_SIDE = re.compile(rf"(?:{'|'.join(_WORDS)}|.*(?:{'|'.join(_PARTS)}).*)", re.DOTALL)


def names_a_side(word: str) -> bool:
    """Whether a word of a vocabulary says "left" or "right".

    Words of two meanings count as well (`right` may be "correct", Turkish `sol` a note): a picture
    that is not flipped costs nothing, and one that is makes a caption untrue.
    """
    return _SIDE.fullmatch(word) is not None
