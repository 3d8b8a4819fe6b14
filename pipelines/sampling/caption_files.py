"""Caption image files: write each caption, and a figure of where each word attends."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipelines.data.pictures.image_loading import PictureReader
from pipelines.data.pictures.resizing import ResizeOptions
from pipelines.data.sources.example import Example
from pipelines.figures.caption_attention import attention_figure
from pipelines.sampling.captioner import Captioner, GeneratedCaption
from pipelines.training.workdir import read_run_data
from t2i_tf.config import CaptionerConfig
from t2i_tf.errors import UserError
from t2i_tf.files import write_atomically
from t2i_tf.json_files import write_json


class CaptionedFiles(NamedTuple):
    """The captions of image files, and the files that were written."""

    captions: list[GeneratedCaption]  # one for each image
    files: list[Path]


def caption_files(
    captioner: Captioner, workdir: str | Path, pictures: Sequence[Path], out: Path
) -> CaptionedFiles:
    """Describe image files and write to the folder `out`.

        captions.json           file, caption and log-probability (nats) of each image
        attention-1.png ...     where each word of the first caption attends, and so on

    Images are resized to the captioner's size in the same way as in its data folder.

    Args:
        captioner: The captioner of the work folder or preset.
        workdir: Work folder or preset, which says how its data were resized.
        pictures: Image files: JPEG, PNG, GIF or BMP.
        out: Output folder, created if it is missing; files of the same names are replaced.

    Raises:
        UserError: a file is missing or is not an image, or the folder cannot be written.
    """
    images = read_image_files(pictures, _resize_options(workdir, captioner.config.model))
    captions = captioner.describe(images)
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = [_write_captions(out / "captions.json", pictures, captions)]
        for k, (image, caption) in enumerate(zip(images, captions, strict=True), start=1):
            figure = attention_figure(image, caption.words, caption.attention)
            path = out / f"attention-{k}.png"
            write_atomically(path, lambda file, figure=figure: figure.save(file, "PNG"))
            files.append(path)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}.") from error
    return CaptionedFiles(captions, files)


def read_image_files(paths: Sequence[Path], resize: ResizeOptions) -> np.ndarray:
    """Image files as uint8 [B, H, W, C].

    Raises:
        UserError: a file is missing or is not an image; says which and why.
    """
    examples = [Example(str(path), Path(path), ()) for path in paths]
    images, reader = [], PictureReader(resize)
    for path, read in zip(paths, reader.read(examples), strict=True):
        if read.pixels is None:
            raise UserError(f"{path} cannot be read as a picture: {read.reason}.")
        images.append(read.pixels)
    for message in reader.take_messages():
        print(message)
    return np.stack(images)


def _resize_options(workdir: str | Path, model: CaptionerConfig) -> ResizeOptions:
    data = read_run_data(workdir)
    if not data.source:
        print(
            f"{workdir} does not say how the pictures of its training were resized: these are, as"
            " `prepare` does by default."
        )
    return ResizeOptions(
        model.height, model.width, model.channels, data.filter, data.crop, data.background
    )


def _write_captions(
    path: Path, pictures: Sequence[Path], captions: Sequence[GeneratedCaption]
) -> Path:
    content = [
        {"file": str(file), "caption": one.caption, "log_probability": one.log_probability}
        for file, one in zip(pictures, captions, strict=True)
    ]
    write_json(path, content)
    return path
