"""What a comparison has done so far: `compare.json` in its folder, written after every part."""

from datetime import datetime
from pathlib import Path

import msgspec

from pipelines.data.prepared.data_folder import DataFolder
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json, write_json

FILE = "compare.json"


class RunRecord(msgspec.Struct):
    """A training. Where it is not `ended`, it is to go on."""

    preset: str
    command: str
    started: str
    minutes: float = 0.0  # the budget that is spent
    steps: int = 0
    seconds: float = 0.0  # of training, in all sittings
    loss: float | None = None  # the lowest validation loss, nats
    ended: str | None = None
    machine: dict[str, str] = {}  # that it was trained on, last, and the versions

    def end(self, minutes: float) -> None:
        """The budget is spent."""
        self.minutes, self.ended = minutes, now()


class Record(msgspec.Struct):
    """The comparison: dates as ISO 8601, folders as they were named."""

    data: str
    fingerprint: str  # of the data folder
    world: str
    seed: int
    started: str
    commands: list[str]  # that were given, each once
    runs: dict[str, RunRecord] = {}
    evaluation_seconds: dict[str, float] = {}
    failed: dict[str, str] = {}  # part -> why
    sentences: str | None = None  # the encoder, where none is trained here

    @classmethod
    def open(
        cls, workdir: Path, data: DataFolder, world: str, seed: int, sentences: Path | None = None
    ) -> "Record":
        """The record of a begun comparison, or a new one.

        Raises:
            UserError: the folder compares systems on other data, or with another world, seed or
                sentence encoder.
        """
        path = Path(workdir) / FILE
        new = cls(str(data.path), data.fingerprint, world, seed, now(), [])
        new.sentences = sentences and str(sentences)
        if not path.exists():
            return new
        found = read_json(path, cls)
        for what in ("fingerprint", "world", "seed", "sentences"):
            before, here = getattr(found, what), getattr(new, what)
            if before != here:
                named = "data" if what == "fingerprint" else what
                before, here = (found.data, new.data) if named == "data" else (before, here)
                raise UserError(
                    f"{workdir} holds a comparison with another {named}: {before!r}, not {here!r}."
                    " Give what it began with, or choose another --workdir."
                )
        return found

    def begin(self, workdir: Path, command: str | None) -> None:
        """Make the folder and write the record; what failed before is tried again.

        Raises:
            UserError: the folder cannot be written.
        """
        self.failed = {}
        if command and command not in self.commands:
            self.commands.append(command)
        self.save(workdir)

    def begin_run(self, name: str, preset: str, command: str) -> RunRecord:
        """A run that begins, or goes on."""
        before = self.runs.get(name)
        self.runs[name] = RunRecord(preset, command, before.started if before else now())
        return self.runs[name]

    def is_trained(self, name: str, minutes: float = 0.0) -> bool:
        """Whether a run has ended, with a budget of so many minutes or more."""
        run = self.runs.get(name)
        return run is not None and run.ended is not None and run.minutes >= minutes

    def save(self, workdir: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            UserError: the folder cannot be written.
        """
        try:
            Path(workdir).mkdir(parents=True, exist_ok=True)
            write_json(Path(workdir) / FILE, self)
        except OSError as error:
            raise UserError(f"{workdir} cannot be written: {error.strerror}.") from error


def now() -> str:
    """The moment, with the time zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
