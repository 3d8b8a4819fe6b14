"""`python -m pipelines benchmark NAME`: one part timed beside its floor."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from pipelines import options
from t2i_tf.errors import UsageError
from t2i_tf.presets import preset

_OF_STREAM = ("median_seconds", "examples_per_cpu_second")


def benchmark(chosen: options.Benchmark) -> dict[str, Any]:
    """The figures of one benchmark: medians over at least 10 rounds after a warm-up.

    Raises:
        UsageError: fewer rounds, an unknown preset, or one without a floor.
    """
    if chosen.repeats < 10:
        raise UsageError(f"A median of {chosen.repeats} rounds says little: --repeats 10 or more.")
    return {
        "train-step": _train_step,
        "input": _input,
        "prepare": _prepare,
        "generate": _generate,
    }[chosen.name](chosen)


def _config(chosen: options.Benchmark):
    config = preset(chosen.preset).config
    return dataclasses.replace(config, batch_size=chosen.batch_size or config.batch_size)


def _word_draw_config(chosen: options.Benchmark):
    """The config of a system whose matrix products are known, one by one."""
    config = _config(chosen)
    if getattr(config.model, "conditioning", None) not in ("align", "average"):
        raise UsageError(
            f"The floor of {chosen.name} is counted for the presets align-draw-... and "
            f"noalign-draw-... alone, not for {chosen.preset}."
        )
    return config


def _train_step(chosen: options.Benchmark) -> dict[str, Any]:
    from pipelines.benchmarks.train_step import measure_train_step

    config = _word_draw_config(chosen)
    measured = measure_train_step(config, repeats=chosen.repeats)
    return {"preset": chosen.preset, "batch_size": config.batch_size} | measured


def _generate(chosen: options.Benchmark) -> dict[str, Any]:
    from pipelines.benchmarks.generate import measure_generate

    config = _word_draw_config(chosen)
    measured = measure_generate(config, repeats=chosen.repeats)
    return {"preset": chosen.preset, "batch_size": config.batch_size} | measured


def _prepare(chosen: options.Benchmark) -> dict[str, Any]:
    from pipelines.benchmarks.prepare import measure_prepare

    return measure_prepare(chosen.data, repeats=chosen.repeats)


def _input(chosen: options.Benchmark) -> dict[str, Any]:
    if chosen.data is not None:
        return _measure_modes(chosen.data, chosen)
    with tempfile.TemporaryDirectory() as scratch:
        return _measure_modes(_make_data(Path(scratch)), chosen)


def _make_data(scratch: Path) -> Path:
    """A data folder of 32x32 scenes, made for the purpose."""
    from pipelines.data.preparation.prepare import prepare
    from pipelines.data.scenes.dataset import write_scenes
    from pipelines.data.sources.coco import CocoSource

    write_scenes(scratch / "scenes", train=4000, val=10, test=10, held_out=10)
    prepare(CocoSource(scratch / "scenes"), scratch / "data")
    return scratch / "data"


def _measure_modes(data: Path, chosen: options.Benchmark) -> dict[str, Any]:
    """Both modes: the figures of `ram`, and those of `stream` with its name before them."""
    from pipelines.benchmarks.input_pipeline import measure_input
    from pipelines.data.prepared.data_folder import DataFolder

    folder = DataFolder.open(data)
    config = _config(chosen)
    ram, stream = (
        measure_input(
            folder,
            mode,
            batch_size=config.batch_size,
            windows=chosen.repeats,
            max_words=config.max_words,
        )
        for mode in ("ram", "stream")
    )
    return ram | {f"stream_{name}": stream[name] for name in _OF_STREAM}
