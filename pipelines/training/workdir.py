"""The work folder of a run: made by its first command, checked by the next ones."""

import contextlib
import dataclasses
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import tensorflow as tf

from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.precomputed.feature_sources import FeatureSources
from pipelines.data.prepared.data_folder import MANIFEST, VOCABULARY, DataFolder
from pipelines.fine_tuning.initial_weights import FILE as INIT
from pipelines.fine_tuning.initial_weights import is_same_preset
from pipelines.training.folder_lock import LOCK, lock_folder
from pipelines.training.schedule import BUDGETS
from pipelines.training.workers.workers import Workers
from pipelines.typed_form import flag_of
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.files import disk_trouble
from t2i_tf.hub import hugging_face
from t2i_tf.hub.find_preset import find_preset, is_work_folder
from t2i_tf.hub.preset_folder import DATA_MANIFEST
from t2i_tf.hub.pretrained import read_preset_data
from t2i_tf.json_files import read_json, write_json
from t2i_tf.sentence_encoder.encoder import SentenceEncoder, load_encoder

ENDS = (*BUDGETS, "patience")  # settings that a run may change: they say when it ends
INPUTS = "inputs.json"  # in the work folder
SEEN = ".seen-by-all-workers"  # beginning of the name of an empty file that the chief writes


class Inputs(msgspec.Struct, frozen=True):
    """What a run trains on that neither its config nor its data folder says, by its flags."""

    overfit: int | None = None
    reconstructions: str | None = None


@contextlib.contextmanager
def open_workdir(
    workdir: Path, config: TrainConfig, data: DataFolder, sources: FeatureSources, inputs: Inputs
) -> Iterator[None]:
    """Begins a run, or checks that a begun one has this config and this data, and holds its lock.

    Budget and patience may differ: a run can be trained for longer. A run that has trained nothing,
    or only a smoke test, is begun anew with the new settings.

    Raises:
        UserError: the folder holds something else, or a run with other settings, data or inputs or
            another sentence encoder; another process trains in it; or it cannot be written.
    """
    try:
        _refuse_other_folders(workdir)
        workdir.mkdir(parents=True, exist_ok=True)
        lock = lock_folder(workdir)
    except OSError as error:
        raise UserError(
            f"--workdir {workdir} cannot be written: {error.strerror}. Choose another --workdir."
        ) from error
    with lock:
        try:
            _begin_or_check(workdir, config, data, sources, inputs)
            yield
        except (OSError, tf.errors.OpError) as error:
            reason = disk_trouble(error)
            if reason is None:
                raise
            raise UserError(
                f"{getattr(error, 'filename', None) or workdir} cannot be read or written:"
                f" {reason}. The checkpoints are whole: then the same command resumes the training."
            ) from error


@contextlib.contextmanager
def open_shared_workdir(
    workers: Workers,
    workdir: Path,
    config: TrainConfig,
    data: DataFolder,
    sources: FeatureSources,
    inputs: Inputs,
) -> Iterator[None]:
    """`open_workdir` on the chief of several workers, whose files all of them then see.

    Raises:
        UserError: as `open_workdir`, or a worker does not see the files of the chief.
    """
    with contextlib.ExitStack() as opened:
        if workers.count == 1:
            opened.enter_context(open_workdir(workdir, config, data, sources, inputs))
        else:
            workers.chief_does(
                lambda: opened.enter_context(open_workdir(workdir, config, data, sources, inputs))
            )
            _check_shared(workers, workdir)
        yield


def _check_shared(workers: Workers, workdir: Path) -> None:
    """Checks that all workers see a new file of the chief's."""

    def mark() -> str:
        for old in workdir.glob(f"{SEEN}-*"):
            old.unlink()
        name = f"{SEEN}-{secrets.token_hex(8)}"
        (workdir / name).touch()
        return name

    name = workers.chief_does(mark)
    workers.gather(lambda: workers.see(workdir / name))
    workers.chief_does(lambda: (workdir / name).unlink())


def _begin_or_check(
    workdir: Path, config: TrainConfig, data: DataFolder, sources: FeatureSources, inputs: Inputs
) -> None:
    encoder = sources.encoder if config.reads_sentences else None
    begun = (workdir / "config.json").exists()
    if begun:
        try:
            _check_run(workdir, config, data, encoder)
            _check_inputs(workdir, inputs)
        except UserError:
            if not has_trained_nothing(workdir):
                raise
            print(f"Nothing was trained in {workdir} yet: begins anew with these settings.")
            _remove_results(workdir)
            begun = False
    if not begun:
        shutil.copyfile(data.path / MANIFEST, workdir / DATA_MANIFEST)
        data.vocabulary.save(workdir / VOCABULARY)
        write_json(workdir / INPUTS, inputs)
        if encoder:
            encoder.save(workdir / checkpoints.SENTENCE_ENCODER)
    checkpoints.write_config(workdir, config)


def smoke(config: TrainConfig) -> TrainConfig:
    """The config of a smoke test: two steps, each with a report."""
    return dataclasses.replace(
        config, steps=2, minutes=None, report_every=1, validation_pictures=config.batch_size
    )


class RunData(msgspec.Struct, frozen=True):
    """What is known of the data that a model was trained on."""

    source: str = ""
    filter: str = ResizeOptions.filter
    crop: str = ResizeOptions.crop
    background: str = ResizeOptions.background


def read_run_data(run: str | Path) -> RunData:
    """The source and the resizing of the data of a work folder or preset.

    The source is "" where nothing is known, and the resizing then the default of `prepare`.

    Raises:
        UserError: there is no such model, or the file that says it is damaged.
    """
    try:
        return msgspec.convert(read_preset_data(run), RunData)
    except msgspec.ValidationError as error:
        raise UserError(f"{run}, what it says of its data: {error}.") from None


def has_same_data(run: str | Path, data: DataFolder) -> bool | None:
    """Whether a run was trained on this very data folder: their manifests are equal.

    None for a preset, which has no manifest.
    """
    if not is_work_folder(run):
        return None
    try:
        return (Path(run) / DATA_MANIFEST).read_bytes() == (data.path / MANIFEST).read_bytes()
    except OSError:
        return False


def results_path(run: str | Path, name: str, out: str | Path | None = None) -> Path:
    """Where the results of a trained model go: `out`, or `name` in its work folder.

    Args:
        run: what `from_preset` loads.
        name: a file or a folder.
        out: what `--out` names instead.

    Raises:
        UsageError: a preset that is no work folder has no place for results, and there is no `out`.
        UserError: there is no such model.
    """
    if out is not None:
        return Path(out)
    if is_work_folder(run):
        return Path(run) / name
    if not hugging_face.is_address(run):
        find_preset(run)
    raise UsageError(
        f"{run} is a preset and no work folder, into which results would go: give --out."
    )


def _refuse_other_folders(workdir: Path) -> None:
    if workdir.exists() and not workdir.is_dir():
        raise UserError(f"--workdir {workdir} is a file. Expected a folder: choose another name.")
    if (workdir / "config.json").exists() or not workdir.exists() or _is_half_begun(workdir):
        return
    raise UserError(
        f"{workdir} is not empty and holds no run. Expected a new folder or one that `train` "
        "made: choose another --workdir."
    )


def _is_half_begun(workdir: Path) -> bool:
    """Whether a folder is empty, or has only files of a run that was killed when it began."""
    own = (DATA_MANIFEST, VOCABULARY, INPUTS, checkpoints.SENTENCE_ENCODER, "config.json", LOCK)
    return all(
        path.name in own or path.name.startswith(tuple(f".{name}." for name in own))
        for path in workdir.iterdir()
    )


def has_trained_nothing(workdir: Path) -> bool:
    """Whether a run has no checkpoint, or only those of a smoke test."""
    if not checkpoints.CheckpointFolder(workdir / "checkpoints").steps():
        return True
    try:
        config = checkpoints.read_config(workdir)
    except UserError:
        return False
    return config == smoke(config)


def _remove_results(workdir: Path) -> None:
    """Removes what the training wrote. The config goes on standing until it is replaced."""
    for name in ("checkpoints", "samples", "tensorboard"):
        if (workdir / name).exists():
            shutil.rmtree(workdir / name)
    for name in ("history.csv", INIT, checkpoints.SENTENCE_ENCODER):
        (workdir / name).unlink(missing_ok=True)


def _check_run(
    workdir: Path, config: TrainConfig, data: DataFolder, encoder: SentenceEncoder | None
) -> None:
    _check_system(workdir, config)
    _check_data(workdir, data)  # before the config, which has the sizes of the data
    _check_config(workdir, config)
    if encoder:
        _check_encoder(workdir, encoder)


def _check_system(workdir: Path, config: TrainConfig) -> None:
    begun = checkpoints.read_config(workdir)
    if type(begun.model) is not type(config.model):
        raise UserError(
            f"{workdir} holds a run of another system: its model has a "
            f"{type(begun.model).__name__}, this preset a {type(config.model).__name__}. "
            "Choose another --workdir."
        )


def _check_config(workdir: Path, config: TrainConfig) -> None:
    before, now = flat(checkpoints.read_config(workdir)), flat(config)
    changed = [
        f"{flag_of(name)} was {before[name]!r}, is {now[name]!r}"
        for name in now
        if name not in ENDS and before[name] != now[name]
    ]
    if changed and config == smoke(config):
        raise UserError(
            f"{workdir} holds a trained run. Give the smoke test a --workdir of its own."
        )
    if changed:
        raise UserError(
            f"{workdir} holds a run with other settings: {'; '.join(changed)}. "
            "Leave out --preset and these flags to keep its settings, or choose another --workdir."
        )


def _check_data(workdir: Path, data: DataFolder) -> None:
    if has_same_data(workdir, data):
        return
    raise UserError(
        f"{workdir} was trained on other data than {data.path}: their manifests differ. "
        "Give the data folder that it began with, or choose another --workdir."
    )


def _check_inputs(workdir: Path, inputs: Inputs) -> None:
    """Compares with what the run began with; runs of earlier versions did not note it."""
    path = workdir / INPUTS
    if not path.is_file():
        return
    remedy = "Delete it: the checkpoints are whole, and the same command resumes the training."
    before = read_json(path, Inputs, remedy)
    pictures = inputs.reconstructions, before.reconstructions
    same_pictures = pictures[0] == pictures[1] or (all(pictures) and is_same_preset(*pictures))
    began, now = _as_flags(before), _as_flags(inputs)
    if inputs.overfit != before.overfit or not same_pictures:
        raise UserError(
            f"{workdir} holds a run that began {began}, and would go on {now}: it would have"
            " learnt from both. Give the flags that it began with, or choose another --workdir."
        )


def _as_flags(inputs: Inputs) -> str:
    """As `with --overfit 8`."""
    given = {f"--{name}": value for name, value in msgspec.structs.asdict(inputs).items()}
    with_ = [f"{flag} {value}" for flag, value in given.items() if value is not None]
    return f"with {' '.join(with_)}" if with_ else f"without {' and '.join(given)}"


def _check_encoder(workdir: Path, encoder: SentenceEncoder) -> None:
    before = load_encoder(workdir / checkpoints.SENTENCE_ENCODER)
    if before.fingerprint != encoder.fingerprint:
        raise UserError(
            f"{workdir} was trained on the vectors of another sentence encoder. Omit --sentences "
            "to resume with that encoder, or choose another --workdir."
        )


def flat(config: TrainConfig) -> dict:
    """The settings of a config by name, those of model and optimizer as `model.steps`."""
    nested = dataclasses.asdict(config)
    return {
        **{k: v for k, v in nested.items() if not isinstance(v, dict)},
        **{f"{k}.{n}": v for k, d in nested.items() if isinstance(d, dict) for n, v in d.items()},
    }
