"""`python -m pipelines benchmark NAME`: times one part, where possible against a baseline."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, did_you_mean
from t2i_tf.presets import preset

NAMES = ("train-step", "input", "prepare", "generate", "scaling")
_STREAM_KEYS = ("median_seconds", "examples_per_cpu_second")


def benchmark(
    name: str,
    *,
    preset_name: str = "align-draw-scenes",
    batch_size: int | None = None,
    data: Path | None = None,
    repeats: int = 10,
    workers: int = 2,
) -> dict[str, Any]:
    """Run one benchmark; its results are medians over the rounds after a warm-up.

    Args:
        name: one of `NAMES`.
        preset_name: preset of the model that is timed, with its batch size and its optimizer.
        batch_size: examples per step, instead of the preset's.
        data: data folder for `input`, folder of JPEGs for `prepare`; made if not given.
        repeats: timed rounds, at least 10.
        workers: number of workers for `scaling`.

    Returns:
        What the `measure_...` function of the benchmark returns, with the preset and the batch size
        where a model is timed.

    Raises:
        UsageError: the benchmark or the preset is unknown, there are too few rounds, or the
            preset's model has no matmul baseline.
    """
    if name not in NAMES:
        raise UsageError(f"No benchmark is called {name!r}. {did_you_mean(name, NAMES)}")
    if repeats < 10:
        raise UsageError(f"A median of {repeats} rounds says little: give --repeats 10 or more.")
    if name == "prepare":
        return _prepare(data, repeats)
    config = preset(preset_name).config
    config = dataclasses.replace(config, batch_size=batch_size or config.batch_size)
    if name == "input":
        return _input(config, data, repeats)
    _check_baseline(name, preset_name, config)
    if name == "scaling":
        measured = _scaling(preset_name, config, workers, repeats)
        return {"preset": preset_name, "batch_size": config.batch_size} | measured
    measure = _train_step if name == "train-step" else _generate
    return {"preset": preset_name, "batch_size": config.batch_size} | measure(config, repeats)


def _check_baseline(name: str, preset_name: str, config: TrainConfig) -> None:
    """Only for models that read words one by one are the matrix products counted."""
    if getattr(config.model, "conditioning", None) not in ("align", "average"):
        raise UsageError(
            f"The benchmark {name} has a matmul baseline for the presets align-draw-... and "
            f"noalign-draw-... only, not for {preset_name}."
        )


def _train_step(config: TrainConfig, repeats: int) -> dict[str, Any]:
    from pipelines.benchmarks.train_step import measure_train_step

    return measure_train_step(config, repeats=repeats)


def _generate(config: TrainConfig, repeats: int) -> dict[str, Any]:
    from pipelines.benchmarks.generate import measure_generate

    return measure_generate(config, repeats=repeats)


def _scaling(name: str, config: TrainConfig, workers: int, repeats: int) -> dict[str, Any]:
    from pipelines.benchmarks.scaling import measure_scaling

    return measure_scaling(name, config, workers=workers, repeats=repeats)


def _prepare(jpegs: Path | None, repeats: int) -> dict[str, Any]:
    from pipelines.benchmarks.prepare import measure_prepare

    return measure_prepare(jpegs, repeats=repeats)


def _input(config: TrainConfig, data: Path | None, repeats: int) -> dict[str, Any]:
    if data is not None:
        return _measure_both_modes(config, data, repeats)
    with tempfile.TemporaryDirectory() as scratch:
        return _measure_both_modes(config, _make_data(Path(scratch)), repeats)


def _make_data(scratch: Path) -> Path:
    """A data folder of 32x32 scenes, made in a temporary folder."""
    from pipelines.data.preparation.prepare import prepare
    from pipelines.data.scenes.dataset import write_scenes
    from pipelines.data.sources.coco import CocoSource

    write_scenes(scratch / "scenes", train=4000, val=10, test=10, held_out=10)
    prepare(CocoSource(scratch / "scenes"), scratch / "data")
    return scratch / "data"


def _measure_both_modes(config: TrainConfig, data: Path, repeats: int) -> dict[str, Any]:
    """The results of mode `ram`, and those of mode `stream` under names that begin with it."""
    from pipelines.benchmarks.input_pipeline import measure_input
    from pipelines.data.prepared.data_folder import DataFolder

    folder = DataFolder.open(data)
    ram, stream = (
        measure_input(
            folder,
            mode,
            batch_size=config.batch_size,
            windows=repeats,
            max_words=config.max_words,
        )
        for mode in ("ram", "stream")
    )
    return ram | {f"stream_{name}": stream[name] for name in _STREAM_KEYS}
