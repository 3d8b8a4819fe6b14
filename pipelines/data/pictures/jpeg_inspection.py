"""What has to be known of a JPEG before it is decoded, and what no decoder raises an error for.

A hole of zeros can be a valid code: it is found by the file's own Huffman tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF, the frame with the size
SEQUENTIAL = (0xC0, 0xC1)
HUFFMAN_TABLES, SCAN, EXIF, PROFILE = 0xC4, 0xDA, 0xE1, 0xE2
END = b"\xff\xd9"  # in compressed data, a byte of 255 is followed by 0 or a restart marker
STANDALONE = frozenset(range(0xD0, 0xDA)) | {0x01}
EXIF_START = b"Exif\0\0"
PROFILE_START = b"ICC_PROFILE\0"  # then the number of this part, from 1, and that of all parts
PROFILE_HEADER = len(PROFILE_START) + 2
ORIENTATION = 0x112

HOLE = bytes(64)  # as many zero bits are at least two blocks of coefficients, all of them -1
END_OF_BLOCK = 0


@dataclass
class JpegHeader:
    """The parts of a JPEG's header that decoding needs; 0 pixels if it has no size."""

    width: int = 0
    height: int = 0
    components: int = 0
    sequential: bool = True
    exif: bytes = b""
    profile_parts: dict[int, bytes] = field(default_factory=dict)  # by number
    scan: int = 0  # where the compressed data begins
    first_codes: dict[int, int] = field(default_factory=dict)  # by AC table: symbol of 00...0

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 to 8; 1 if there is none or it is unreadable."""
        if not self.exif:
            return 1
        try:
            exif = Image.Exif()
            exif.load(self.exif)
            found = exif.get(ORIENTATION)
        except Exception:  # Pillow's reader fails in many ways on broken EXIF
            return 1
        return found if found in range(1, 9) else 1

    @property
    def profile(self) -> bytes:
        """The ICC profile; nothing if there is none."""
        return b"".join(part for _, part in sorted(self.profile_parts.items()))

    def has_hole(self, contents: bytes) -> bool:
        """Whether the compressed data has a run of zeros that no encoder writes.

        In the tables of most files, zeros are coefficients of -1. If they are flat blocks instead,
        such a run may be a blank part of the picture.
        """
        luma = self.first_codes.get(0x10, END_OF_BLOCK)
        if not self.sequential or luma == END_OF_BLOCK or not self.scan:
            return False
        hole = contents.find(HOLE, self.scan)
        # Cameras append films and further pictures, which may have zeros, after the end.
        return hole >= 0 and contents.find(END, self.scan, hole) < 0


def read_header(contents: bytes) -> JpegHeader:
    """The header of a JPEG, as far as it can be read."""
    header, position = JpegHeader(), 2
    while position + 4 <= len(contents) and contents[position] == 0xFF:
        marker = contents[position + 1]
        if marker == 0xFF or marker in STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(contents[position + 2 : position + 4])
        read_segment(header, marker, contents[position + 4 : end])
        position = end
        if marker == SCAN:
            header.scan = end
            break
    return header


def read_segment(header: JpegHeader, marker: int, body: bytes) -> None:
    """Notes what a segment of the header says."""
    if marker in SIZES and len(body) >= 5:
        header.height, header.width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
        header.components = body[5] if len(body) > 5 else 0
        header.sequential = marker in SEQUENTIAL
    elif marker == EXIF and body.startswith(EXIF_START) and not header.exif:
        header.exif = body
    elif marker == PROFILE and body.startswith(PROFILE_START) and len(body) > PROFILE_HEADER:
        header.profile_parts[body[len(PROFILE_START)]] = body[PROFILE_HEADER:]
    elif marker == HUFFMAN_TABLES:
        while len(body) > 17:
            symbols = sum(body[1:17])
            header.first_codes[body[0]] = body[17]
            body = body[17 + symbols :]


TURNS: Mapping[int, tuple[bool, bool, bool]] = {
    # orientation: (swap rows and columns, then flip up-down, flip left-right)
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
