"""TensorBoard: the loss terms, those of each drawing step, and images that the model draws."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pipelines.figures.image_grid import grid, steps_strip
from pipelines.figures.word_attention import alignment_figure
from pipelines.training.pacing import Clock
from t2i_tf.files import write_atomically
from t2i_tf.image_ops import to_pixels
from t2i_tf.models import Preview
from t2i_tf.optimizers import steps_taken
from t2i_tf.text.vocabulary import Vocabulary


class TensorBoard(keras.callbacks.Callback):
    """Writes scalars every few steps, and after each validation images of fixed captions and seeds.

    Its place in the list of callbacks is before `SwapEMAWeights`, so that it still sees the
    averaged weights at the end of a validation. It counts steps by the optimizer, because Keras'
    own TensorBoard callback counts from zero after a resume.

    Args:
        workdir: Work folder of the run; `tensorboard/` and `samples/` are written there.
        batch: Validation examples whose captions are drawn.
        vocabulary: Vocabulary of the captions.
        batch_size: Examples per training step, over all replicas.
        clock: Clock of the run.
        every: Steps between scalars.
    """

    def __init__(
        self,
        workdir: Path,
        batch: Mapping[str, tf.Tensor],
        vocabulary: Vocabulary,
        batch_size: int,
        clock: Clock,
        every: int = 20,
    ):
        super().__init__()
        self.workdir, self.batch, self.vocabulary = workdir, batch, vocabulary
        self.batch_size, self.clock, self.every = batch_size, clock, every

    def on_train_begin(self, logs=None):  # noqa: D102
        self._preview = tf.function(self.model.preview, autograph=False)
        self._terms = tf.function(self.model.terms, autograph=False)
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
        rate = float(self.model.optimizer.learning_rate.numpy())
        self._scalars("train", logs | {"learning_rate": rate, "examples_per_second": speed})

    def on_test_end(self, logs=None):  # noqa: D102
        self._scalars("validation", logs)
        step, _ = self._now()
        preview = self._preview(self.batch)
        pictures = self._pictures(preview, step) if preview else {}
        with self.writer.as_default(step=step):
            for name, picture in pictures.items():
                tf.summary.image(name, np.asarray(picture.convert("RGB"))[None])
        self._terms_per_step(step)
        self.writer.flush()

    def _now(self) -> tuple[int, float]:
        return steps_taken(self.model), self.clock.elapsed

    def _scalars(self, group: str, logs: dict) -> None:
        with self.writer.as_default(step=self._now()[0]):
            for name, value in logs.items():
                tf.summary.scalar(f"{group}/{name}", value)

    def _pictures(self, preview: Preview, step: int) -> dict[str, Image.Image]:
        captions = [self.vocabulary.words(row) for row in preview.token_ids.numpy()]
        canvases = to_pixels(preview.canvases[0]).numpy()
        alignment = preview.alignment[0].numpy()[:, : len(captions[0])]
        rows = grid(to_pixels(preview.pictures).numpy(), [" ".join(words) for words in captions])
        self._save(rows, step)
        pictures = {"captions": rows, "canvas": steps_strip(canvases)}
        if alignment.size:
            pictures["alignment"] = alignment_figure(alignment, captions[0], canvases)
        return pictures

    def _save(self, picture: Image.Image, step: int) -> None:
        folder = self.workdir / "samples"
        folder.mkdir(exist_ok=True)
        path = folder / f"step-{step:08d}.png"
        write_atomically(path, lambda file: picture.save(file, "PNG"))

    def _terms_per_step(self, step: int) -> None:
        """Writes the terms of each drawing step: `kl_per_step` as `kl_per_step/01` and so on."""
        examples = len(self.batch["image"])
        noise = tf.random.stateless_normal(
            [self.model.noise_shape[0], examples, self.model.noise_shape[1]], [0, 0]
        )
        terms = self._terms(self.batch, noise)
        with self.writer.as_default(step=step):
            for name in terms:
                if name.endswith("_per_step"):
                    for t, value in enumerate(tf.reduce_mean(terms[name], axis=1)):
                        tf.summary.scalar(f"{name}/{t + 1:02d}", value)
