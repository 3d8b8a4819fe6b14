"""Caption picture files: what they show in words, and where each word was looked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines.data.preparation.image_loading import PictureReader, ResizeOptions
from pipelines.data.sources.example import Example
from pipelines.figures.caption_attention import attention_figure
from pipelines.sampling.captioner import Captioner, Described
from pipelines.training.workdir import read_run_data
from t2i_tf.config import CaptionerConfig
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.json_files import write_json


class Captioned(NamedTuple):
    """What `caption_files` found and wrote."""

    described: list[Described]  # one for each picture
    files: list[Path]


def caption_files(
    captioner: Captioner, workdir: Path, pictures: Sequence[Path], out: Path
) -> Captioned:
    """Describe picture files and write to the folder `out`.

        captions.json           file, caption and log-probability (nats) of each picture
        attention-1.png ...     of each picture, where each word was looked for

    Pictures become as large as the captioner's, in the way its data folder was made.

    Args:
        captioner: from the work folder.
        workdir: written by `python -m pipelines train`.
        pictures: files; JPEG, PNG, GIF or BMP.
        out: made where it is missing; files of the same names are replaced.

    Raises:
        UserError: a file is missing or no picture, or the folder cannot be written.
    """
    images = read_pictures(pictures, _resize_options(workdir, captioner.config.model))
    described = captioner.describe(images)
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = [_write_captions(out / "captions.json", pictures, described)]
        for k, (image, one) in enumerate(zip(images, described, strict=True), start=1):
            figure = attention_figure(image, one.words, one.attention)
            path = out / f"attention-{k}.png"
            write_atomically(path, lambda file, figure=figure: figure.save(file, "PNG"))
            files.append(path)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    return Captioned(described, files)


def read_pictures(paths: Sequence[Path], resize: ResizeOptions) -> np.ndarray:
    """Picture files as uint8 [B, H, W, C].

    Raises:
        UserError: one is missing or no picture; says which and why.
    """
    examples = [Example(str(path), Path(path), ()) for path in paths]
    pictures = list(PictureReader(resize).read(examples))
    for path, picture in zip(paths, pictures, strict=True):
        if isinstance(picture, str):
            raise UserError(f"{path} cannot be read as a picture: {picture}.")
    return np.stack(pictures)


def _resize_options(workdir: Path, model: CaptionerConfig) -> ResizeOptions:
    data = read_run_data(workdir)
    return ResizeOptions(model.height, model.width, model.channels, data.filter, data.crop)


def _write_captions(path: Path, pictures: Sequence[Path], described: Sequence[Described]) -> Path:
    content = [
        {"file": str(file), "caption": one.caption, "log_probability": one.log_probability}
        for file, one in zip(pictures, described, strict=True)
    ]
    write_json(path, content)
    return path
