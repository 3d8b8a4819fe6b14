"""The state of a comparison: `compare.json` in its folder, written after every step."""

from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.training.folder_lock import lock_folder
from t2i_tf.errors import UserError
from t2i_tf.json_files import read_json, write_json

FILE = "compare.json"


class RunState(msgspec.Struct):
    """The state of a training run; as long as `ended` is None, the run is to be continued."""

    preset: str
    command: str
    started: str
    minutes: float = 0.0  # the budget that has been used up
    steps: int = 0
    seconds: float = 0.0  # training time, summed over interruptions
    loss: float | None = None  # lowest validation loss, nats
    ended: str | None = None
    machine: dict[str, str] = {}  # the machine of the last training, and the library versions

    def end(self, minutes: float) -> None:
        """Note that a budget has been used up."""
        self.minutes, self.ended = minutes, now()


class ComparisonState(msgspec.Struct):
    """The state of a comparison: dates in ISO 8601, folders as they were given."""

    data: str
    fingerprint: str  # of the data folder
    world: str
    seed: int
    started: str
    commands: list[str]  # command lines, each once
    runs: dict[str, RunState] = {}
    evaluation_seconds: dict[str, float] = {}
    failed: dict[str, str] = {}  # title of a step -> error
    sentences: str | None = None  # the sentence encoder, if none is trained here

    @classmethod
    def open(
        cls,
        workdir: Path,
        data: DataFolder,
        world: str,
        seed: int,
        sentences: str | Path | None = None,
    ) -> "ComparisonState":
        """The state of the comparison in a folder, or a new one.

        Raises:
            UserError: the folder holds a comparison with other data or another world, seed or
                sentence encoder, or its record is damaged.
        """
        path = Path(workdir) / FILE
        new = cls(str(data.path), data.fingerprint, world, seed, now(), [])
        new.sentences = sentences and str(sentences).rstrip("/")
        if not path.exists():
            return new
        existing = read_json(
            path,
            cls,
            "Delete it: what is trained and measured stays, and the same command goes on.",
        )
        for field in ("fingerprint", "world", "seed", "sentences"):
            if getattr(existing, field) != getattr(new, field):
                shown = "data" if field == "fingerprint" else field
                raise UserError(
                    f"{workdir} holds a comparison with another {shown}: "
                    f"{getattr(existing, shown)!r}, not {getattr(new, shown)!r}. Use the same as "
                    "before, or another --workdir."
                )
        return existing

    def begin(self, workdir: Path, command: str | None) -> None:
        """Create the folder and write the state, without earlier failures, which are retried.

        Raises:
            UserError: the folder cannot be written.
        """
        self.failed = {}
        if command and command not in self.commands:
            self.commands.append(command)
        self.save(workdir)

    def begin_run(self, name: str, preset: str, command: str) -> RunState:
        """The state of a run that begins or resumes."""
        before = self.runs.get(name)
        self.runs[name] = RunState(preset, command, before.started if before else now())
        return self.runs[name]

    def is_trained(self, name: str, minutes: float = 0.0) -> bool:
        """Whether a run has ended with a budget of at least so many minutes."""
        run = self.runs.get(name)
        return run is not None and run.ended is not None and run.minutes >= minutes

    def save(self, workdir: Path) -> None:
        """Write the state, whole or not at all.

        Raises:
            UserError: the folder cannot be written.
        """
        try:
            Path(workdir).mkdir(parents=True, exist_ok=True)
            write_json(Path(workdir) / FILE, self)
        except OSError as error:
            raise UserError(f"{workdir} cannot be written: {error.strerror}.") from error


def lock_comparison(workdir: Path) -> IO[bytes]:
    """Locks the folder of a comparison, which is made if it is missing, until the file is closed.

    Raises:
        UserError: another comparison runs in it, or it cannot be written.
    """
    try:
        Path(workdir).mkdir(parents=True, exist_ok=True)
        return lock_folder(Path(workdir), "`compare`")
    except OSError as error:
        raise UserError(f"{workdir} cannot be written: {error.strerror}.") from error


def now() -> str:
    """The current time with its time zone, in ISO 8601."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
