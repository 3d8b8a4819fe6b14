"""Progress of a long job: which step it is at, and when all of them will be done."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta


class ProgressLog:
    """Prints a line as each step begins: its estimated time, and that of everything left.

    Args:
        seconds: estimated seconds of each step, in order; 0 for a step that is already done.
        write: called with each line.
    """

    def __init__(self, seconds: Mapping[str, float], write: Callable[[str], None] = print):
        self._seconds, self._write = dict(seconds), write
        self._count, self._begun = len(seconds), 0

    def begin(self, step: str) -> None:
        """Print the line of a step."""
        self._begun += 1
        self._write(f"[{self._begun}/{self._count}] {step}: {self._outlook(step)}")

    def _outlook(self, step: str) -> str:
        if not self._seconds[step]:
            return "already done"
        left = self.seconds_left
        end = (datetime.now() + timedelta(seconds=left)).strftime("%H:%M")
        return (
            f"about {approximate_time(self._seconds[step])}; "
            f"{approximate_time(left)} left in all, until {end}"
        )

    def end(self, step: str) -> None:
        """Remove a step from what is left."""
        del self._seconds[step]

    def update(self, step: str, seconds: float) -> None:
        """Replace the estimate of a step, if it has not ended."""
        if step in self._seconds:
            self._seconds[step] = seconds

    @property
    def seconds_left(self) -> float:
        """Estimated seconds of all steps that have not ended."""
        return sum(self._seconds.values())


def approximate_time(seconds: float) -> str:
    """Seconds as text, no more precise than an estimate is.

    >>> approximate_time(40), approximate_time(725), approximate_time(6720)
    ('40 s', '12 min', '1 h 52 min')
    """
    if seconds < 90:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
