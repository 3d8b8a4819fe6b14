"""A progress bar on the terminal: what is done, how fast, and the time left."""

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class SpeedColumn(ProgressColumn):
    """Units per second, or "-" as long as nothing is done."""

    def __init__(self, unit: str):
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """The speed of the last seconds; since the start if there has been one advance only."""
        speed = task.finished_speed or task.speed
        if not speed and task.completed and task.elapsed:
            speed = task.completed / task.elapsed
        return Text(f"{speed:,.0f} {self.unit}/s" if speed else f"- {self.unit}/s")


class ProgressBar:
    """One line that shows progress inside a `with` block.

    Args:
        description: What is being done.
        total: Units to do; 1.0 if `update` gets the fraction that is done.
        unit: Plural name of a unit. If given, the bar shows the count and the speed; if not, the
            percentage and a text.
        text: The text until the first `update`.
    """

    def __init__(
        self, description: str, total: float = 1.0, unit: str | None = None, text: str = ""
    ):
        amount = (
            (MofNCompleteColumn(), SpeedColumn(unit))
            if unit
            else (TaskProgressColumn(), TextColumn("{task.fields[text]}"))
        )
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *amount,
            TextColumn("ETA"),
            TimeRemainingColumn(),
        )
        self._task = self._progress.add_task(description, total=total, text=text)

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *error):
        self._progress.stop()

    def advance(self, count: int = 1) -> None:
        """Adds `count` units to those that are done."""
        self._progress.update(self._task, advance=count)

    def update(self, completed: float, text: str) -> None:
        """Sets the fraction that is done, and the text beside it."""
        self._progress.update(self._task, completed=completed, text=text)

    def print(self, line: str) -> None:
        """Prints a line above the bar; in a log, where there is no terminal, without a break."""
        console = self._progress.console
        console.print(line, soft_wrap=not console.is_terminal, markup=False)
