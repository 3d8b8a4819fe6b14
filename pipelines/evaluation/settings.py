"""How much an evaluation measures. Standard library only: the flags of `evaluate` are these."""

import dataclasses
from dataclasses import dataclass

from t2i_tf.errors import UsageError


@dataclass(frozen=True)
class Sizes:
    """Of how many pictures, captions and samples the figures are."""

    captions: int = 1000
    """Captions whose picture is searched for; a tenth of them with ten samples a bound."""
    candidates: int = 100
    """Pictures that a caption chooses from, the right one among them."""
    pictures: int = 1000
    """Of each split, for the bounds; as many are drawn for precision, recall and KID."""
    weighed: int = 200
    """Pictures of the importance-weighted bound."""
    similar: int = 100
    """Captions of the structural similarity and of the diversity."""
    samples: int = 50
    """Drawings of each of them."""
    judged: int = 250
    """Drawings of seen, and of held-out compositions, that are judged by their captions."""
    quick: bool = False
    """At most 100 captions, and of everything else so little that it takes a minute."""

    def checked(self) -> "Sizes":
        """These sizes.

        Raises:
            UsageError: one of them is less than 1, or there is nothing to choose from.
        """
        for field in dataclasses.fields(self):
            if field.type in (int, "int") and getattr(self, field.name) < 1:
                flag, size = field.name.replace("_", "-"), getattr(self, field.name)
                raise UsageError(f"Expected --{flag} of 1 or more, got {size}.")
        if self.candidates < 2:
            raise UsageError("Expected --candidates of 2 or more: of 1 there is nothing to find.")
        return self

    def reduced(self) -> "Sizes":
        """These sizes; where it is to be `quick`, small ones."""
        if not self.quick:
            return self
        least = Sizes(
            captions=100, pictures=100, weighed=20, similar=20, samples=10, judged=50, quick=True
        )
        names = [field.name for field in dataclasses.fields(Sizes)]
        return Sizes(**{name: min(getattr(self, name), getattr(least, name)) for name in names})
