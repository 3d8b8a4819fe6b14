"""The steps of a comparison: each training, evaluation and study, and the report."""

import dataclasses
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from pipelines.comparison.paper_results import SYSTEMS
from pipelines.comparison.plan import (
    CAPTIONER,
    ENCODER,
    SHARPENER,
    TITLES,
    Run,
    attends_to_words,
    is_draw_system,
)
from pipelines.comparison.state import ComparisonState
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.settings import Sizes
from pipelines.judges.cached_record import CLASSIFIER, DIGIT_JUDGE, cached_weights
from pipelines.training.history import read_history
from t2i_tf.errors import UsageError, UserError
from t2i_tf.json_files import read_json

EVALUATION = "evaluation.json"  # in the folder of a system
STUDIES = ("compositions", "colours", "backgrounds", "objects", "alignment", "cycle")
# Estimates in seconds, until a step of the kind has been timed.
EVALUATION_SECONDS, STUDY_SECONDS, REPORT_SECONDS = 300.0, 60.0, 60.0


Schema = TypeVar("Schema")


class _Measured(msgspec.Struct):
    """The part of an evaluation that says how it was made."""

    settings: dict[str, Any] = {}


class _Made(msgspec.Struct):
    """The part of a study's record that says of what it was made."""

    workdir: str
    seed: int


class _Studied(msgspec.Struct):
    """The part of a study that tells whether it is there, and up to date."""

    made: _Made
    figures: list[str] = []


class ComparisonInterrupted(UserError):
    """The user interrupted a training run, which is saved."""

    exit_code = 130


class Actions(NamedTuple):
    """The functions that do the work; their signatures are those in `compare.real_actions`."""

    train: Callable[..., Any]
    evaluate: Callable[..., Any]
    study: Callable[..., Any]
    report: Callable[..., Any]
    machine: Callable[[], Mapping[str, str]]


class Step(NamedTuple):
    """A step of a comparison."""

    title: str
    run: Callable[[], None]
    is_done: Callable[[], bool]
    seconds: Callable[[], float]  # estimate of the time that is left


class Comparison:
    """A comparison in a folder: its runs, its steps, and which of them are done.

    Args:
        folder: the data folder.
        workdir: folder of the comparison.
        runs: runs in the order in which they are trained.
        state: state of the comparison; the steps update it.
        actions: functions that do the work.
        sentences: sentence encoder of the runs that do not read one trained here.
        with_studies: whether a system is studied.
        open_judge: whether systems are also measured with the open judge.
    """

    def __init__(
        self,
        folder: DataFolder,
        workdir: Path,
        runs: Sequence[Run],
        state: ComparisonState,
        actions: Actions,
        *,
        sentences: str | Path | None = None,
        with_studies: bool = True,
        open_judge: bool = False,
    ):
        self.folder, self.workdir, self.state = folder, Path(workdir), state
        self.actions = actions
        self.runs = {run.name: run for run in runs}
        self.sentences, self.open_judge = sentences, open_judge
        self.systems = [name for name in self.runs if name in SYSTEMS]
        self.studied_system = min(self.systems, key=_study_priority)
        self.studies = self._applicable_studies() if with_studies else ()
        self._damaged: set[Path] = set()  # results that were said to be

    def steps(self) -> list[Step]:
        """All steps, in order."""
        return [
            *(self._training(run) for run in self.runs.values()),
            *(self._evaluation(system) for system in self.systems),
            *(self._study(name) for name in self.studies),
            Step("Write the report", self._run_report, lambda: False, lambda: REPORT_SECONDS),
        ]

    def evaluated_systems(self) -> list[str]:
        """The systems whose evaluations are up to date."""
        return [system for system in self.systems if self._is_evaluated(system)]

    def finished_studies(self) -> list[str]:
        """The studies whose results are up to date."""
        return [name for name in self.studies if self._is_studied(name)]

    def trained_runs(self) -> list[str]:
        """The runs that have ended, in the order of the comparison."""
        return [name for name in self.runs if self.state.is_trained(name)]

    def path(self, name: str) -> Path:
        """The folder of a run."""
        return self.workdir / name

    # Training

    def _training(self, run: Run) -> Step:
        def seconds() -> float:
            if self._is_trained(run):
                return 0.0
            history = []
            with suppress(UserError):  # which the training itself reports
                history = read_history(self.path(run.name) / "history.csv")
            return max(60 * run.minutes - (history[-1]["seconds"] if history else 0.0), 0.0)

        return Step(
            f"Train {run.title}",
            lambda: self._run_training(run),
            lambda: self._is_trained(run),
            seconds,
        )

    def _is_trained(self, run: Run) -> bool:
        """A larger budget continues a run, but not the encoder, whose vectors others depend on."""
        minutes = 0.0 if run.name == ENCODER else run.minutes
        has_checkpoint = _newest_checkpoint(self.path(run.name)) > 0
        return self.state.is_trained(run.name, minutes) and has_checkpoint

    def _run_training(self, run: Run) -> None:
        sentences, workdir = self._encoder_of(run), self.path(run.name)
        command = run.command(self.folder.path, workdir, sentences)
        run_state = self.state.begin_run(run.name, run.preset, command)
        run_state.machine = dict(self.actions.machine())
        self.state.save(self.workdir)
        with _freeing_models():
            outcome = self.actions.train(run.config, self.folder.path, workdir, sentences=sentences)
        run_state.steps, run_state.seconds = outcome.step, round(outcome.seconds, 1)
        run_state.loss = outcome.loss if outcome.loss < float("inf") else None
        if outcome.interrupted:
            self.state.save(self.workdir)
            raise ComparisonInterrupted(
                f"Interrupted while training {run.title}, which is saved at step {outcome.step}. "
                "The same command resumes from there."
            )
        run_state.end(run.minutes)

    def _encoder_of(self, run: Run) -> str | Path | None:
        if run.reads_encoder:
            return self._trained_folder(ENCODER)
        return self.sentences if run.config.reads_sentences else None

    def _trained_folder(self, name: str) -> Path:
        """The folder of a run that another step needs."""
        if not self.state.is_trained(name):
            raise UserError(f"This needs the training of {TITLES[name]}, which failed.")
        return self.path(name)

    # Evaluation

    def _evaluation(self, system: str) -> Step:
        def is_done() -> bool:
            return self._is_evaluated(system)

        def seconds() -> float:
            if is_done():
                return 0.0
            timed = self.state.evaluation_seconds.values()
            return sum(timed) / len(timed) if timed else EVALUATION_SECONDS

        title = f"Measure {TITLES[system]}"
        return Step(title, lambda: self._run_evaluation(system), is_done, seconds)

    def _is_evaluated(self, system: str) -> bool:
        """Whether the evaluation is newer than system and sharpener, and made as the others are."""
        path, sharpener = self.path(system) / EVALUATION, self.sharpener_of(system)
        newest = max(_newest_checkpoint(self.path(system)), _newest_checkpoint(sharpener))
        if not self._is_trained(self.runs[system]) or _modified(path) <= newest:
            return False
        expected = {
            "split": "test",
            "seed": self.state.seed,
            "sizes": dataclasses.asdict(Sizes()),
            "steering": None,
            "classifier": cached_weights(self.folder, CLASSIFIER),  # candidates are by its features
            "digit_judge": cached_weights(self.folder, DIGIT_JUDGE),
            **({"sharpen": str(sharpener)} if sharpener else {}),
        }
        measured = self._read_result(path, _Measured)
        settings = measured.settings if measured else {}
        if self.open_judge and not settings.get("open_judge"):
            return False
        return all(settings.get(name) == value for name, value in expected.items())

    def sharpener_of(self, system: str) -> Path | None:
        """The sharpener of a system's drawings; only DRAW systems have one, as in the paper."""
        is_trained = SHARPENER in self.runs and self.state.is_trained(SHARPENER)
        return self.path(SHARPENER) if is_draw_system(system) and is_trained else None

    def _run_evaluation(self, system: str) -> None:
        workdir, start = self._trained_folder(system), time.monotonic()
        with _freeing_models():
            self.actions.evaluate(
                workdir,
                self.folder.path,
                sharpen=self.sharpener_of(system),
                seed=self.state.seed,
                out=workdir / EVALUATION,
                **({"open_judge": True} if self.open_judge else {}),
            )
        self.state.evaluation_seconds[system] = round(time.monotonic() - start, 1)

    # Studies

    def _applicable_studies(self) -> tuple[str, ...]:
        """Alignment needs a system that attends to words, the cycle a captioner."""
        applicable = {
            "alignment": attends_to_words(self.studied_system),
            "cycle": CAPTIONER in self.runs,
        }
        return tuple(name for name in STUDIES if applicable.get(name, True))

    def _study(self, name: str) -> Step:
        return Step(
            f"Study {name}",
            lambda: self._run_study(name),
            lambda: self._is_studied(name),
            lambda: 0.0 if self._is_studied(name) else STUDY_SECONDS,
        )

    def _is_studied(self, name: str) -> bool:
        """Whether the results are newer than the models, with the same system and seed."""
        models = [self.studied_system, *([CAPTIONER] if name == "cycle" else [])]
        path = self.path("studies") / f"{name}.json"
        if _modified(path) <= max(_newest_checkpoint(self.path(model)) for model in models):
            return False
        studied = self._read_result(path, _Studied)
        if studied is None or not all((path.parent / name).is_file() for name in studied.figures):
            return False
        made = studied.made
        return Path(made.workdir).name == self.studied_system and made.seed == self.state.seed

    def _run_study(self, name: str) -> None:
        system = self._trained_folder(self.studied_system)
        captioner = self._trained_folder(CAPTIONER) if name == "cycle" else None
        try:
            with _freeing_models():
                self.actions.study(
                    name,
                    system,
                    self.path("studies"),
                    data=self.folder.path,
                    captioner=captioner,
                    seed=self.state.seed,
                )
        except UsageError as error:  # the vocabulary has none of the study's words
            print(f"Skipped: {error}")

    def _read_result(self, path: Path, schema: type[Schema]) -> Schema | None:
        """The result of a step; None if it is damaged, which is said once: the step runs again."""
        try:
            return read_json(path, schema)
        except UserError as error:
            if path not in self._damaged:
                print(f"{error} It is made again.")
            self._damaged.add(path)
            return None

    # The report

    def _run_report(self) -> None:
        with _freeing_models():
            self.actions.report(self)


def _study_priority(system: str) -> tuple[bool, bool]:
    """Sort key: alignDRAW first, then the other DRAW systems."""
    return system != "align-draw", not is_draw_system(system)


@contextmanager
def _freeing_models() -> Iterator[None]:
    """Free the models at the end: those of all systems would otherwise stay in memory."""
    try:
        yield
    finally:
        import keras

        keras.utils.clear_session()
        gc.collect()


def _modified(path: Path) -> int:
    """When a file was modified, nanoseconds; 0 if it does not exist."""
    return path.stat().st_mtime_ns if path.exists() else 0


def _newest_checkpoint(workdir: Path | None) -> int:
    """When the newest checkpoint of a run was written, nanoseconds; 0 if there is none."""
    checkpoints = workdir.glob("checkpoints/*.npz") if workdir else ()
    return max(map(_modified, checkpoints), default=0)
