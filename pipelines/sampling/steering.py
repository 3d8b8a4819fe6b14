"""How drawings are held to their captions: by guidance, and by choosing the best of several.

Needs no TensorFlow: flags are made from `Steering`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from t2i_tf.errors import UsageError
from t2i_tf.number_ranges import check_flags
from t2i_tf.text.scripts import is_blank


@dataclass(frozen=True)
class Steering:
    """Guidance and best of n; the defaults draw every caption once, as the model was trained to.

    Of a picture with the seed s, the n candidates have the seeds n s, ..., n s + n - 1, so that no
    two pictures share one. A chosen picture is thus a drawing with a seed of its own.
    """

    guidance: float = 0.0
    """How far drawings go beyond the caption, away from what the model draws without one.
    0 is the caption alone; 0.5 to 2 show more of it and vary less; 4 overdoes it.
    Needs a model that was trained with --caption-dropout, or --instead-of."""
    instead_of: str | None = None
    """Caption to move away from, in quotes, such as "a blue bus"; "" is the empty caption, as by
    default."""
    best_of: int = 1
    """Number of drawings of which each picture is the one that fits its caption best, to 10000.
    It is the one that the caption makes likelier by the most nats, compared with an empty caption
    or with that of --instead-of. The cost is as many drawings, and two bounds of each."""
    captioner: str | None = None
    """Work folder or preset of a captioner, to choose by the caption's probability given the
    drawing."""

    def __post_init__(self) -> None:
        """Keeps one spelling of the empty caption, None, as file names and results have it."""
        if self.instead_of is not None and is_blank(self.instead_of):
            object.__setattr__(self, "instead_of", None)

    def checked(self) -> "Steering":
        """This steering.

        Raises:
            UsageError: a number is out of range, or an option would have no effect.
        """
        check_flags(guidance=self.guidance, best_of=self.best_of)
        compared = self.best_of > 1 and self.captioner is None
        if self.instead_of is not None and self.guidance == 0 and not compared:
            raise UsageError(
                "--instead-of names what to move away from, but nothing moves: give --guidance"
                " more than 0, or --best-of more than 1 without --captioner."
            )
        if self.captioner is not None and self.best_of == 1:
            raise UsageError("--captioner judges the drawings of --best-of: give more than 1.")
        return self

    @property
    def name(self) -> str:
        """A name of this steering for files, such as `-guidance-1.5-best-of-16`; "" for none.

        Other steerings have other names, but for captioners whose folders are called alike.
        """
        captioner = Path(self.captioner or "").name
        return "".join(
            [
                f"-guidance-{self.guidance!r}".removesuffix(".0") if self.guidance else "",
                f"-instead-of-{_in_a_name(self.instead_of)}" if self.instead_of else "",
                f"-best-of-{self.best_of}" if self.best_of > 1 else "",
                f"-by-{_in_a_name(captioner)}" if captioner else "",
            ]
        )

    def settings(self) -> dict[str, float | int | str | None]:
        """Plain values, for JSON."""
        captioner = None if self.captioner is None else str(self.captioner)
        return vars(self) | {"captioner": captioner}


def _in_a_name(text: str) -> str:
    """A text as part of a file's name; where it loses anything, with a few digits of its hash."""
    kept = re.sub(r"[^\w.]+", "-", text)[:40].strip("-")
    if kept.replace("-", " ") == text.replace("-", " "):
        return kept
    return f"{kept}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
