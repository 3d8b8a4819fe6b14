"""TensorBoard: the bound and its parts, KL of each step, and what the model draws."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pipelines.data.data_folder import DataFolder
from pipelines.data.input_pipeline import evaluation_dataset
from pipelines.drawing.alignment_figure import alignment_figure
from pipelines.drawing.grid import grid, steps_strip
from pipelines.training.callbacks import Clock
from t2i_tf.config import TrainConfig
from t2i_tf.files import write_atomically


class TensorBoard(keras.callbacks.Callback):
    """Scalars every few steps; after each validation, pictures of fixed captions and seeds.

    It stands before `SwapEMAWeights` in the list of callbacks: what is called at the end of a
    validation still sees the averaged weights. Keras' own TensorBoard callback counts its steps
    from zero after a resume; the optimizer's count is used here.

    Args:
        workdir: of the run; writes `tensorboard/` and `samples/`.
        folder: whose first validation captions are drawn.
        config: of the run.
        clock: of the run.
        every: steps between scalars.
        captions: how many are drawn.
    """

    def __init__(
        self,
        workdir: Path,
        folder: DataFolder,
        config: TrainConfig,
        clock: Clock,
        every: int = 20,
        captions: int = 8,
    ):
        super().__init__()
        self.workdir, self.clock, self.every = workdir, clock, every
        self.batch_size = config.batch_size
        batches = evaluation_dataset(
            folder,
            "val",
            batch_size=captions,
            max_words=config.max_words,
            length_multiple=config.length_multiple,
            limit=captions,
            with_captions=True,
        )
        self.batch = next(iter(batches))
        self.captions = [caption.decode() for caption in self.batch["caption"].numpy()]
        self.vocabulary = folder.vocabulary

    def on_train_begin(self, logs=None):  # noqa: D102
        self._generate = tf.function(self.model.generate)
        self._terms = tf.function(self.model.terms)
        self.writer = tf.summary.create_file_writer(str(self.workdir / "tensorboard"))
        self._last = self._now()

    def on_train_end(self, logs=None):  # noqa: D102
        self.writer.close()

    def on_train_batch_end(self, batch, logs=None):  # noqa: D102
        step, seconds = self._now()
        if step % self.every:
            return
        speed = (step - self._last[0]) * self.batch_size / max(seconds - self._last[1], 1e-9)
        self._last = step, seconds
        rate = float(self.model.optimizer.learning_rate)
        self._scalars("train", logs | {"learning_rate": rate, "examples_per_second": speed})

    def on_test_end(self, logs=None):  # noqa: D102
        self._scalars("validation", logs)
        step, _ = self._now()
        pictures = {"captions": self._draw_grid(step)} | self._draw_steps()
        with self.writer.as_default(step=step):
            for name, picture in pictures.items():
                tf.summary.image(name, np.asarray(picture.convert("RGB"))[None])
        self._kl_per_step(step)
        self.writer.flush()

    def _now(self) -> tuple[int, float]:
        return int(self.model.optimizer.iterations), self.clock.elapsed

    def _scalars(self, group: str, logs: dict) -> None:
        with self.writer.as_default(step=self._now()[0]):
            for name, value in logs.items():
                tf.summary.scalar(f"{group}/{name}", value)

    def _draw_grid(self, step: int) -> Image.Image:
        seeds = tf.range(len(self.captions))
        self.drawing = self._generate(self.batch["token_ids"], self.model.noise(seeds))
        images = np.round(255 * self.drawing.image.numpy()).astype(np.uint8)
        picture = grid(images[:, None], self.captions)
        folder = self.workdir / "samples"
        folder.mkdir(exist_ok=True)
        path = folder / f"step-{step:08d}.png"
        write_atomically(path, lambda file: picture.save(file, "PNG"))
        return picture

    def _draw_steps(self) -> dict[str, Image.Image]:
        canvases = np.round(255 * self.drawing.canvases[0].numpy()).astype(np.uint8)
        words = self.vocabulary.words(self.batch["token_ids"][0].numpy())
        alignment = self.drawing.alignment[0].numpy()[:, : len(words)]
        return {
            "canvas": steps_strip(canvases),
            "alignment": alignment_figure(alignment, words, canvases),
        }

    def _kl_per_step(self, step: int) -> None:
        noise = self.model.noise(tf.range(len(self.captions)))
        terms = self._terms(self.batch["image"], self.batch["token_ids"], noise)
        with self.writer.as_default(step=step):
            for t, kl in enumerate(tf.reduce_mean(terms["kl_per_step"], axis=1)):
                tf.summary.scalar(f"kl_of_step/{t + 1:02d}", kl)
