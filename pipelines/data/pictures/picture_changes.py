"""What decoding changes of a picture besides its size, so that it can be counted."""

from collections.abc import Mapping

TURNED = "Pictures turned upright, as their EXIF orientation says"
FLATTENED = "Pictures with transparent parts, put on the colour of --background"
FIRST_FRAME = "Pictures with several frames or pages, of which the first is read"
SIXTEEN_BITS = "Pictures with 16 bits per channel, reduced to 8"
CONVERTED = "Pictures in CMYK or another colour space, converted to RGB"
TO_SRGB = "Pictures with a colour profile such as Display P3 or Adobe RGB, converted to sRGB"
NO_PROFILE = "Pictures with a colour profile that cannot be read, taken for sRGB"

CHANGES = (TURNED, FLATTENED, FIRST_FRAME, SIXTEEN_BITS, CONVERTED, TO_SRGB, NO_PROFILE)


def change_bits(happened: Mapping[str, bool]) -> int:
    """The changes that happened as the bits of a number, which a TensorFlow graph can hold."""
    return sum(1 << CHANGES.index(change) for change, did in happened.items() if did)


def changes_of(bits: int) -> tuple[str, ...]:
    """The changes of such a number."""
    return tuple(change for k, change in enumerate(CHANGES) if bits >> k & 1)
