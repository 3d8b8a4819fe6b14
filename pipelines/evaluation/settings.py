"""How much an evaluation measures.

Standard library only: the flags of `evaluate` are made from `Sizes`, without TensorFlow.
"""

import dataclasses
from dataclasses import dataclass

from t2i_tf.errors import UsageError
from t2i_tf.number_ranges import check_numbers

POOL = 5000  # images of the evaluated split that are read at most; candidates are among them


@dataclass(frozen=True)
class Sizes:
    """How many images, captions and samples each metric is computed from."""

    captions: int = 1000
    """Images that are searched for; a tenth of them also with bounds of ten samples."""
    captions_per_picture: int = 5
    """Captions of each of these images that search for it, where it has so many."""
    candidates: int = 100
    """Images that each caption ranks, its own among them."""
    pictures: int = 1000
    """Images of each split for the bounds; as many are drawn for precision, recall and KID."""
    weighed: int = 200
    """Images of the importance-weighted bound."""
    similar: int = 100
    """Captions of structural similarity and diversity."""
    samples: int = 50
    """Drawings of each of these captions."""
    judged: int = 250
    """Drawings judged by their captions: this many of seen and of held-out compositions."""
    quick: bool = False
    """At most 100 captions, and little of everything else: takes about a minute."""

    def checked(self) -> "Sizes":
        """These sizes.

        Raises:
            UsageError: a size is below 1, or there are fewer than 2 candidates.
        """
        check_numbers(self)
        if self.candidates < 2:
            raise UsageError(
                "Expected --candidates of 2 or more, got 1: a single candidate is always found."
            )
        return self

    def reduced(self) -> "Sizes":
        """These sizes, or small ones where they are to be `quick`."""
        if not self.quick:
            return self
        quick = Sizes(
            captions=100,
            captions_per_picture=1,
            pictures=100,
            weighed=20,
            similar=20,
            samples=10,
            judged=50,
            quick=True,
        )
        names = [field.name for field in dataclasses.fields(Sizes)]
        return Sizes(**{name: min(getattr(self, name), getattr(quick, name)) for name in names})
