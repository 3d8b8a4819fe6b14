"""Which caption lengths a run uses, and the padding of its batches."""

from dataclasses import dataclass

from t2i_tf.errors import UsageError


@dataclass(frozen=True)
class LengthRange:
    """Captions of `shortest` to `longest` words, padded to a multiple of `multiple`."""

    shortest: int = 1
    longest: int = 29
    multiple: int = 1

    def __post_init__(self):
        if not 1 <= self.shortest <= self.longest or self.multiple < 1:
            raise UsageError(
                "Expected 1 <= --min-words <= --max-words and --length-multiple >= 1,"
                f" got {self.shortest}, {self.longest} and {self.multiple}."
            )

    def contains(self, lengths):
        """Which lengths are in the range: bool, of the same shape."""
        return (lengths >= self.shortest) & (lengths <= self.longest)

    def padded(self, lengths):
        """The lengths rounded up to the multiple."""
        return -(-lengths // self.multiple) * self.multiple


DEFAULT_LENGTHS = LengthRange()
