"""Trains every system with the same budget, measures each, and writes tables and a report."""

import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from pipelines.comparison.eta import ProgressLog
from pipelines.comparison.plan import DEFAULT_SYSTEMS, Part, Run, plan_runs
from pipelines.comparison.state import ComparisonState, lock_comparison
from pipelines.comparison.steps import Actions, Comparison, ComparisonInterrupted, Step
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.preset_choice.choose_preset import Choice, World, choose_for_comparison
from t2i_tf.errors import UserError


def compare(
    data: Path,
    workdir: Path,
    minutes: float,
    *,
    systems: Sequence[str] = DEFAULT_SYSTEMS,
    world: World | None = None,
    encoder_minutes: float | None = None,
    sentences: str | Path | None = None,
    without: Collection[Part] = (),
    open_judge: bool = False,
    seed: int = 0,
    command: str | None = None,
    actions: Actions | None = None,
) -> dict[str, str]:
    """Compare systems in a folder; the same call resumes a comparison that was interrupted.

        skip-thought/  align-draw/ ...  sharpening/  captioner/   the runs
        align-draw/evaluation.json ...                            their evaluations
        studies/                                                  studies of one system
        compare.json                                              the state of the comparison
        tables.md  tables.json  report.html  gallery.png          the results

    Steps that are done and up to date are skipped. If a step fails, the error is recorded, and the
    steps that do not need it run all the same.

    Args:
        data: data folder, made by `prepare`.
        workdir: folder of the comparison, created if it is missing.
        minutes: training budget of each system, of the sharpener and of the captioner.
        systems: systems to compare, in the order in which they are trained.
        world: which presets to use; by default those that suit the data, fitted to them.
        encoder_minutes: training budget of the sentence encoder; by default a quarter of `minutes`.
        sentences: existing sentence encoder, used instead of training one.
        without: parts to leave out.
        open_judge: whether to measure by the features of a network for photographs too.
        seed: seed of every run.
        command: command line, kept for the report.
        actions: functions that train, evaluate, study and report; by default the real ones.

    Returns:
        The error of each step that failed, by the step's title; empty if none did.

    Raises:
        ComparisonInterrupted: the user interrupted a training run, which is saved.
        UserError: the data are not usable, or `workdir` holds another comparison, or is in use.
    """
    folder = DataFolder.open(data)
    runs, world = plan_comparison(
        folder,
        minutes,
        systems=systems,
        world=world,
        encoder_minutes=encoder_minutes,
        trains_encoder=sentences is None,
        without=without,
        seed=seed,
    )
    with lock_comparison(workdir):
        state = ComparisonState.open(workdir, folder, world, seed, sentences)
        state.begin(workdir, command)
        comparison = Comparison(
            folder,
            workdir,
            runs,
            state,
            actions or real_actions(),
            sentences=sentences,
            with_studies="studies" not in without,
            open_judge=open_judge,
        )
        _run_steps(comparison.steps(), state, workdir)
    return state.failed


def plan_comparison(
    folder: DataFolder,
    minutes: float,
    *,
    systems: Sequence[str] = DEFAULT_SYSTEMS,
    world: World | None = None,
    **options,
) -> tuple[list[Run], World]:
    """The runs of a comparison of a data folder, and the family of their presets.

    The arguments are those of `compare` and `plan_runs`.
    """
    choice = None if world else _chosen_by_data(folder)
    world = choice.world if choice else world
    return plan_runs(systems, world, minutes, choice=choice, **options), world


def _chosen_by_data(folder: DataFolder) -> Choice:
    """The presets that suit the data; why is printed."""
    from pipelines.preset_choice.data_summary import summarize  # imports TensorFlow

    choice = choose_for_comparison(summarize(folder))
    first, *others = choice.lines(budget=False)
    print(f"The {choice.world} presets, as the data suggest (--world takes others): {first}")
    for line in others:
        print(line)
    return choice


def real_actions() -> Actions:
    """The functions behind the commands `train`, `evaluate` and `study`, and the report.

    They are imported here because they import TensorFlow, which planning does not need.
    """
    from pipelines.benchmarks.machine import machine, versions
    from pipelines.comparison.report_data import report_comparison
    from pipelines.evaluation.evaluate import evaluate
    from pipelines.studies.run_study import study
    from pipelines.training.train import train

    return Actions(train, evaluate, study, report_comparison, lambda: {**machine(), **versions()})


def _run_steps(steps: Sequence[Step], state: ComparisonState, workdir: Path) -> None:
    log = ProgressLog({step.title: step.seconds() for step in steps})
    for step in steps:
        _run_step(step, state, log)
        state.save(workdir)
        for other in steps:
            log.update(other.title, other.seconds())


def _run_step(step: Step, state: ComparisonState, log: ProgressLog) -> None:
    """Run a step unless it is done; an error is recorded, and the next steps run all the same."""
    log.begin(step.title)
    try:
        if not step.is_done():
            step.run()
    except ComparisonInterrupted:
        raise
    except UserError as error:
        state.failed[step.title] = str(error)
    except Exception as error:
        traceback.print_exc()
        state.failed[step.title] = f"{type(error).__name__}: {error}"
    if step.title in state.failed:
        print(f"{step.title} FAILED: {state.failed[step.title]}", flush=True)
    log.end(step.title)
