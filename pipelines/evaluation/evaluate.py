"""Measures a trained system as the paper does, and where the paper did not: `evaluation.json`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipelines.benchmarks.machine import machine_summary
from pipelines.data.prepared.data_folder import DataFolder
from pipelines.evaluation.caption_accuracy import HELD_OUT
from pipelines.evaluation.features.efficientnet import SHA256
from pipelines.evaluation.load_run import summarize_run, trained_lengths
from pipelines.evaluation.measurements import Measurements
from pipelines.evaluation.results import FILE, Evaluation, Settings
from pipelines.evaluation.settings import Sizes
from pipelines.judges.cached_record import DIGIT_JUDGE, cached_weights
from pipelines.output_places import check_file
from pipelines.sampling.sampler import UNSTEERED, Sampler
from pipelines.sampling.steering import Steering
from pipelines.training.workdir import results_path
from t2i_tf.errors import UsageError
from t2i_tf.json_files import write_json
from t2i_tf.number_ranges import check_flags

Measured = TypeVar("Measured")


def evaluate(
    workdir: str | Path,
    data: Path,
    *,
    sharpen: str | Path | None = None,
    out: Path | None = None,
    split: str = "test",
    seed: int = 0,
    inception: Path | None = None,
    open_judge: bool = False,
    steering: Steering = UNSTEERED,
    **sizes: int,
) -> Evaluation:
    """Measure a trained system, and write the results once all of them are there.

    Args:
        workdir: Work folder of a text-to-image system, whose best checkpoint is measured; or
            whatever else `from_preset` loads.
        data: Data folder that it was trained on.
        sharpen: Work folder or preset of a sharpener, for the metrics after sharpening.
        out: File for the results; `evaluation_file` where not given.
        split: Split with images that training did not use, of compositions that it did.
        seed: Seed of all noise, 0 or more; systems measured with one seed are compared on the same
            noise.
        inception: File of InceptionV3's weights, for precision, recall and KID by its features too.
        open_judge: Whether to measure the same by the features of EfficientNet-Lite0 too, which
            was trained on photographs; needs the package of `requirements-judge.txt`.
        steering: Guidance and best of n of all drawings. What does not depend on drawings, bounds
            and retrieval, is then left out.
        sizes: Fields of `Sizes` that should differ from their defaults.

    Raises:
        UsageError: a size, the seed or the split is out of range; or a preset is measured without
            `out`.
        UserError: a folder does not hold what it should, the system does not fit the data, or the
            split has fewer images than there should be candidates.
    """
    checked = Sizes(**sizes).checked().reduced()
    _check_split(split)
    check_flags(seed=seed)
    folder = DataFolder.open(data)
    out = evaluation_file(workdir, steering, out)
    check_file(out)
    measurements = Measurements.open(
        workdir,
        folder,
        sharpen=sharpen,
        split=split,
        seed=seed,
        inception=inception,
        open_judge=open_judge,
        steering=steering.checked(),
        sizes=checked,
    )
    run = summarize_run(workdir, measurements.trained, folder)  # may refuse the run's files
    _say_unknown_words(measurements.sampler)
    seconds: dict[str, float] = {}
    bound = retrieval = None
    if measurements.scorer:
        bound = _timed(seconds, "bounds", measurements.bounds)
        retrieval = _timed(seconds, "retrieval", measurements.retrieval)
    ssim, diversity, gradient = _timed(seconds, "samples", measurements.samples)
    accuracy = _timed(seconds, "accuracy", measurements.caption_accuracy)
    distribution = _timed(seconds, "realism", measurements.distribution)
    result = Evaluation(
        system=measurements.trained.model.title,
        run=run,
        bound=bound,
        retrieval=retrieval,
        ssim=ssim,
        caption_accuracy=accuracy,
        diversity=diversity,
        gradient=gradient,
        precision_recall=distribution.precision_recall,
        kid=distribution.kid,
        frechet=distribution.frechet,
        real_against_real=distribution.real,
        settings=_settings(measurements, data, sharpen, inception),
        seconds=seconds,
        machine=machine_summary(),
    )
    write_json(out, result)
    return result


def evaluation_file(
    workdir: str | Path, steering: Steering = UNSTEERED, out: Path | None = None
) -> Path:
    """WORKDIR/evaluation.json; for steered drawings a file beside it, named after the steering.

    Raises:
        UsageError: it is a preset, which has no place for results, and there is no `out` instead.
    """
    return results_path(workdir, f"{Path(FILE).stem}{steering.name}{Path(FILE).suffix}", out)


def _say_unknown_words(sampler: Sampler) -> None:
    """Says which words of the caption to move away from the system does not know."""
    unknown = sampler.unknown_words([sampler.steering.instead_of or ""])
    if unknown:
        print(
            "Words of --instead-of that are not in the model's vocabulary, and all read as one"
            f" unknown word: {', '.join(unknown)}."
        )


def _timed(seconds: dict[str, float], part: str, measure: Callable[[], Measured]) -> Measured:
    """Measure a part, and note its duration."""
    start = time.monotonic()
    measured = measure()
    seconds[part] = round(time.monotonic() - start, 1)
    return measured


def _settings(
    measurements: Measurements, data: Path, sharpen: str | Path | None, inception: Path | None
) -> Settings:
    lengths = trained_lengths(measurements.trained.config)
    steering = measurements.sampler.steering
    return Settings(
        data=str(data),
        source=measurements.folder.manifest.source,
        split=measurements.split,
        split_pictures=len(measurements.test.images),
        words=[lengths.shortest, lengths.longest],
        sharpen=str(sharpen) if sharpen else None,
        classifier=measurements.classifier_weights,
        digit_judge=cached_weights(measurements.folder, DIGIT_JUDGE),
        inception=str(inception) if inception else None,
        open_judge=SHA256 if measurements.efficientnet else None,
        steering=steering.settings() if steering != UNSTEERED else None,
        seed=measurements.seed,
        sizes=measurements.sizes,
    )


def _check_split(split: str) -> None:
    if split in ("train", HELD_OUT):
        raise UsageError(
            "Expected a split with new images of seen compositions, such as `test`, got"
            f" {split!r}. `train` and `held_out` are measured beside it."
        )
