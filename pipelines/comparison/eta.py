"""Which part of a long job it is, of how many, and when the whole is done."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta


class Forecast:
    """Tells each part as it begins, with the time that it and all later ones will take.

    Args:
        seconds: what each part is guessed to take, in order.
        say: takes a line.
    """

    def __init__(self, seconds: Mapping[str, float], say: Callable[[str], None] = print):
        self._seconds, self._say = dict(seconds), say
        self._count, self._begun = len(seconds), 0

    def begin(self, part: str) -> None:
        """Tell that a part begins; one that takes no time is done."""
        self._begun += 1
        own, left = self._seconds[part], self.left
        until = (datetime.now() + timedelta(seconds=left)).strftime("%H:%M")
        told = f"about {about(own)}; all in {about(left)}, at {until}" if own else "is done"
        self._say(f"[{self._begun}/{self._count}] {part}: {told}")

    def end(self, part: str) -> None:
        """A part is over: it is left no more."""
        del self._seconds[part]

    def expect(self, part: str, seconds: float) -> None:
        """Guess anew what a part will take, if it is left."""
        if part in self._seconds:
            self._seconds[part] = seconds

    @property
    def left(self) -> float:
        """Seconds of all parts that are not done."""
        return sum(self._seconds.values())


def about(seconds: float) -> str:
    """Seconds in words, as far as a guess goes.

    >>> about(40), about(725), about(6720)
    ('40 s', '12 min', '1 h 52 min')
    """
    if seconds < 90:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
