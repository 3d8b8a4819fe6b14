"""A trained model tells the bounds of many pictures and captions, by programs compiled once."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from rich.progress import track

from pipelines.sampling.sharpener import Sharpener
from t2i_tf import losses
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError

BATCH = 100  # pairs at a time
EPSILON = 1 / 510  # half a grey level: a sharpened probability stays so far from 0 and 1

Terms = dict[str, np.ndarray]


class Scorer:
    """The bounds of a system that has one, in batches of one size.

    A system's own bound is that of the likelihood it was trained with: Bernoulli for DRAW, a
    Gaussian for the VAEs, whose nats compare with no others. So all bounds are told by DRAW's
    convention too, `bound`: Bernoulli on real-valued pixels, of the same mean.

    Args:
        trained: a system with a bound.
        sharpener: for the data term after sharpening.
        batch: pairs at a time.

    Raises:
        UserError: the system has no bound, as a GAN, or the sharpener is of another size. Every
            method raises it where a figure is not finite.
    """

    def __init__(self, trained: Trained, sharpener: Sharpener | None = None, batch: int = BATCH):
        self.model = trained.model
        if self.model.bound is None:
            raise UserError(f"{self.model.title} has no bound of the likelihood.")
        if sharpener:
            sharpener.check_size(trained.config.model)
        self.batch, self.sharpener = batch, sharpener
        xla = trained.config.xla
        self._read = tf.function(trained.reader)
        self._noise = tf.function(self.model.noise)
        self._terms = tf.function(self._bound_terms, jit_compile=xla)
        self._weights = tf.function(self._log_weights, jit_compile=xla)
        self._sharpened = tf.function(self._sharpened_nll)

    def read(self, captions: Sequence[str]) -> np.ndarray:
        """Captions as the model reads them, [n, N] or [n, D]."""
        return self._map(lambda rows: {"read": self._read(_strings(captions, rows))}, captions)[
            "read"
        ]

    def terms(
        self, images: np.ndarray, captions: np.ndarray, seeds: np.ndarray, what: str
    ) -> Terms:
        """The bound of each picture with its caption, from one sample of the posterior each.

        Args:
            images: uint8 [n, H, W, C].
            captions: as `read` gives them, [n, ...].
            seeds: of the noise, int [n].
            what: is done, for the progress bar.

        Returns:
            Nats: `bound`, `own_bound`, `minus_floor` (bound less the best that any model can
            have), each [n], and `kl_per_step` [n, T].
        """
        return self._map(
            lambda rows: self._terms(images[rows], captions[rows], self._noise(seeds[rows])),
            seeds,
            what,
        )

    def pair_bounds(
        self,
        images: np.ndarray,
        captions: np.ndarray,
        pairs: np.ndarray,
        noise: np.ndarray,
        what: str,
    ) -> Terms:
        """The bounds of many pairs from the same noise.

        Args:
            images: uint8 [pictures, H, W, C].
            captions: as `read` gives them, [captions, ...].
            pairs: int [P, 2], numbers of picture and caption.
            noise: [T, Z].
            what: is done, for the progress bar.

        Returns:
            Nats, as of `terms`: `own_bound` and `minus_floor`, each [P].
        """
        common = np.repeat(noise[:, None], self.batch, axis=1)
        found = self._map(
            lambda rows: self._terms(images[pairs[rows, 0]], captions[pairs[rows, 1]], common),
            pairs,
            what,
        )
        return {name: found[name] for name in ("own_bound", "minus_floor")}

    def log_weights(
        self, images: np.ndarray, captions: np.ndarray, samples: int, seed: int, what: str
    ) -> np.ndarray:
        """Logarithms of importance weights, Bernoulli likelihood: float64 [n, samples], nats."""
        count = len(images) * samples
        numbers = np.repeat(np.arange(len(images)), samples)
        seeds = seed + np.arange(count)
        found = self._map(
            lambda rows: self._weights(
                images[numbers[rows]], captions[numbers[rows]], self._noise(seeds[rows])
            ),
            seeds,
            what,
        )
        return found["log_weight"].astype(np.float64).reshape(len(images), samples)

    def sharpened_nll(
        self,
        images: np.ndarray,
        captions: np.ndarray,
        sentences: Sequence[str],
        seeds: np.ndarray,
        what: str,
    ) -> np.ndarray:
        """-log p(x) of pictures [n] by the sharpened reconstruction, nats.

        The mean that the posterior's sample decodes to is sharpened and kept `EPSILON` away from 0
        and 1; arguments as of `terms`, `sentences` are the captions as strings.
        """
        return self._map(
            lambda rows: self._sharpened(
                images[rows],
                captions[rows],
                self._noise(seeds[rows]),
                self.sharpener.read(_strings(sentences, rows)),
            ),
            seeds,
            what,
        )["nll"]

    def _bound_terms(self, image, caption, noise):
        terms = self.model.terms({"image": image, self.model.reads: caption}, noise)
        nll, floor = _by_bernoulli(terms)
        bound = -(nll + terms["kl"])
        return {
            "bound": bound,
            "own_bound": -terms["loss"],
            "minus_floor": bound + floor,
            "kl_per_step": tf.transpose(terms["kl_per_step"]),
        }

    def _log_weights(self, image, caption, noise):
        terms = self.model.importance_terms(image, caption, noise)
        ratio = tf.reduce_sum(terms["log_ratio_per_step"], axis=0)
        return {"log_weight": -_by_bernoulli(terms)[0] - ratio}

    def _sharpened_nll(self, image, caption, noise, sentence):
        mean = self.sharpener(self.model.reconstruct(image, caption, noise), sentence)
        mean = tf.clip_by_value(tf.cast(mean, tf.float32), EPSILON, 1 - EPSILON)
        logits = tf.math.log(mean) - tf.math.log(1.0 - mean)
        return {"nll": losses.bernoulli_nll(tf.cast(image, tf.float32) / 255.0, logits)}

    def _map(
        self, compute: Callable[[np.ndarray], dict], rows: Sequence, what: str | None = None
    ) -> Terms:
        """What `compute` makes of the numbers of all rows, `batch` of them at a time."""
        starts = range(0, len(rows), self.batch)
        parts = []
        for start in track(starts, what, transient=True) if what else starts:
            numbers = np.minimum(np.arange(start, start + self.batch), len(rows) - 1)
            found = compute(numbers)  # the last row once more, where the batch is not full
            parts.append({name: x.numpy()[: len(rows) - start] for name, x in found.items()})
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if not all(
            np.isfinite(values).all() for values in found.values() if values.dtype.kind == "f"
        ):
            raise UserError(
                f"{self.model.title} gives figures that are infinite or no numbers: its weights are"
                " damaged, or its training diverged."
            )
        return found


def _by_bernoulli(terms) -> tuple[tf.Tensor, tf.Tensor]:
    """-log p(x | z, y) and its floor, [B], by a Bernoulli likelihood."""
    if "bernoulli_nll" in terms:
        return terms["bernoulli_nll"], terms["bernoulli_entropy"]
    return terms["reconstruction_nll"], terms["entropy"]


def _strings(captions: Sequence[str], rows: np.ndarray) -> tf.Tensor:
    return tf.constant([captions[k] for k in rows])
