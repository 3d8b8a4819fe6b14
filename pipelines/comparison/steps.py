"""The pieces of a comparison: each training, measurement and study, and what is written of them."""

import dataclasses
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.comparison.paper_results import SYSTEMS
from pipelines.comparison.plan import (
    CAPTIONER,
    ENCODER,
    SHARPENER,
    TITLES,
    Run,
    draws_by_steps,
)
from pipelines.comparison.state import Record
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.settings import Sizes
from pipelines.training.history import read_history
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import read_json

EVALUATION = "evaluation.json"  # in the folder of a system
STUDIES = ("compositions", "colours", "backgrounds", "objects", "alignment", "cycle")
MEASURING, STUDYING, REPORTING = 300.0, 60.0, 60.0  # seconds, guessed until one was measured


class Interrupted(UserError):
    """The user stopped a training, which is saved."""

    exit_code = 130


class Work(NamedTuple):
    """What is done to runs; the signatures are those of the functions in `compare.real_work`."""

    train: Callable[..., Any]
    evaluate: Callable[..., Any]
    study: Callable[..., Any]
    report: Callable[..., Any]
    machine: Callable[[], Mapping[str, str]]


class Piece(NamedTuple):
    """A piece of work."""

    title: str
    do: Callable[[], None]
    is_done: Callable[[], bool]
    seconds: Callable[[], float]  # that it will take, as a guess


class Comparison:
    """What is compared, where, and how far it is.

    Args:
        folder: the data.
        workdir: of the comparison.
        runs: in the order in which they are trained.
        record: of what has been done.
        work: what does it.
        sentences: the sentence encoder of runs that read none trained here.
        with_studies: whether there are studies.
    """

    def __init__(
        self,
        folder: DataFolder,
        workdir: Path,
        runs: Sequence[Run],
        record: Record,
        work: Work,
        *,
        sentences: Path | None = None,
        with_studies: bool = True,
    ):
        self.folder, self.workdir, self.record, self.work = folder, Path(workdir), record, work
        self.runs = {run.name: run for run in runs}
        self.sentences = sentences
        self.systems = [name for name in self.runs if name in SYSTEMS]
        self.subject = min(self.systems, key=_interest)
        self.studies = self._studies() if with_studies else ()

    def pieces(self) -> list[Piece]:
        """All of them, in order."""
        return [
            *(self._training(run) for run in self.runs.values()),
            *(self._measurement(system) for system in self.systems),
            *(self._study_piece(name) for name in self.studies),
            Piece("Write the report", self._report, lambda: False, lambda: REPORTING),
        ]

    def measured(self) -> list[str]:
        """The systems that were measured as they are now."""
        return [system for system in self.systems if self._is_measured(system)]

    def studied(self) -> list[str]:
        """The studies whose findings are there."""
        return [name for name in self.studies if self._is_studied(name)]

    def trained(self, *names: str) -> list[str]:
        """Those of the named runs that have ended."""
        return [name for name in names if self.record.is_trained(name)]

    def path(self, name: str) -> Path:
        """The folder of a run."""
        return self.workdir / name

    # Training

    def _training(self, run: Run) -> Piece:
        def seconds() -> float:
            if self._is_trained(run):
                return 0.0
            history = read_history(self.path(run.name) / "history.csv")
            return max(60 * run.minutes - (history[-1]["seconds"] if history else 0.0), 0.0)

        return Piece(
            f"Train {run.title}", lambda: self._train(run), lambda: self._is_trained(run), seconds
        )

    def _is_trained(self, run: Run) -> bool:
        """An encoder is never trained for longer: systems were trained on its vectors."""
        minutes = 0.0 if run.name == ENCODER else run.minutes
        return self.record.is_trained(run.name, minutes) and _newest(self.path(run.name)) > 0

    def _train(self, run: Run) -> None:
        sentences, workdir = self._sentences(run), self.path(run.name)
        command = run.command(self.folder.path, workdir, sentences)
        record = self.record.begin_run(run.name, run.preset, command)
        record.machine = dict(self.work.machine())
        self.record.save(self.workdir)
        outcome = _then_forget_models(
            lambda: self.work.train(run.config, self.folder.path, workdir, sentences=sentences)
        )
        record.steps, record.seconds = outcome.step, round(outcome.seconds, 1)
        record.loss = outcome.loss if outcome.loss < float("inf") else None
        if outcome.interrupted:
            self.record.save(self.workdir)
            raise Interrupted(
                f"Stopped while training {run.title}, which is saved at step {outcome.step}. The "
                "same command goes on from there."
            )
        record.end(run.minutes)

    def _sentences(self, run: Run) -> Path | None:
        if run.reads_encoder:
            return self._needed(ENCODER)
        return self.sentences if run.config.reads_sentences else None

    def _needed(self, name: str) -> Path:
        """The folder of a trained run that something else needs."""
        if not self.record.is_trained(name):
            raise UserError(f"It needs the training of {TITLES[name]}, which failed.")
        return self.path(name)

    # Measuring

    def _measurement(self, system: str) -> Piece:
        def is_done() -> bool:
            return self._is_measured(system)

        def seconds() -> float:
            known = self.record.evaluation_seconds.values()
            guess = sum(known) / len(known) if known else MEASURING
            return 0.0 if is_done() else guess

        return Piece(f"Measure {TITLES[system]}", lambda: self._measure(system), is_done, seconds)

    def _is_measured(self, system: str) -> bool:
        """Whether it was measured as it is now, with the sharpener as it is now, and in full."""
        file, sharpener = self.path(system) / EVALUATION, self.sharpener(system)
        newest = max(_newest(self.path(system)), _newest(sharpener))
        if not self._is_trained(self.runs[system]) or _written(file) <= newest:
            return False
        wanted = {
            "split": "test",
            "seed": self.record.seed,
            "sizes": dataclasses.asdict(Sizes()),
            **({"sharpen": str(sharpener)} if sharpener else {}),
        }
        made = read_json(file, dict[str, Any]).get("settings", {})
        return all(made.get(name) == value for name, value in wanted.items())

    def sharpener(self, system: str) -> Path | None:
        """What sharpens the drawings of a system: as in the paper, those of DRAW alone."""
        sharpens = draws_by_steps(system) and self.record.is_trained(SHARPENER)
        return self.path(SHARPENER) if sharpens and SHARPENER in self.runs else None

    def _measure(self, system: str) -> None:
        workdir, start = self._needed(system), time.monotonic()
        _then_forget_models(
            lambda: self.work.evaluate(
                workdir,
                self.folder.path,
                sharpen=self.sharpener(system),
                seed=self.record.seed,
                out=workdir / EVALUATION,
            )
        )
        self.record.evaluation_seconds[system] = round(time.monotonic() - start, 1)

    # Studying

    def _studies(self) -> tuple[str, ...]:
        """Of one system; to words alignDRAW alone attends, and the cycle needs a captioner."""
        left_out = {
            "alignment": self.subject != "align-draw",
            "cycle": CAPTIONER not in self.runs,
        }
        return tuple(name for name in STUDIES if not left_out.get(name))

    def _study_piece(self, name: str) -> Piece:
        return Piece(
            f"Study {name}",
            lambda: self._study(name),
            lambda: self._is_studied(name),
            lambda: 0.0 if self._is_studied(name) else STUDYING,
        )

    def _is_studied(self, name: str) -> bool:
        """Whether the findings are of the subject as it is now."""
        seen = [self.subject, *([CAPTIONER] if name == "cycle" else [])]
        file = self.path("studies") / f"{name}.json"
        if _written(file) <= max(_newest(self.path(run)) for run in seen):
            return False
        made = read_json(file, dict[str, Any])["made"]
        return Path(made["workdir"]).name == self.subject and made["seed"] == self.record.seed

    def _study(self, name: str) -> None:
        subject = self._needed(self.subject)
        captioner = self._needed(CAPTIONER) if name == "cycle" else None
        try:
            _then_forget_models(
                lambda: self.work.study(
                    name,
                    subject,
                    self.path("studies"),
                    data=self.folder.path,
                    captioner=captioner,
                    seed=self.record.seed,
                )
            )
        except UsageError as error:  # the data know none of the study's words
            print(f"Left out: {error}")

    def _report(self) -> None:
        _then_forget_models(lambda: self.work.report(self))


def _interest(system: str) -> tuple[bool, bool]:
    """Least for what is most worth a study: what attends to words, then what draws by steps."""
    return system != "align-draw", not draws_by_steps(system)


def _then_forget_models(work: Callable[[], Any]) -> Any:
    """Work, and free graphs and weights: a comparison would else hold those of every system."""
    try:
        return work()
    finally:
        import keras

        keras.utils.clear_session()
        gc.collect()


def _written(path: Path) -> int:
    """When a file was written, nanoseconds; 0 where it is not there."""
    return path.stat().st_mtime_ns if path.exists() else 0


def _newest(workdir: Path | None) -> int:
    """When the newest checkpoint of a run was written; 0 where there is none."""
    checkpoints = workdir.glob("checkpoints/*.npz") if workdir else ()
    return max(map(_written, checkpoints), default=0)
