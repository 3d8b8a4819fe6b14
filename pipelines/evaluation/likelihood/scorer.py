"""Computes the bounds of many images and captions, with graphs that are traced once."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from rich.progress import track

from pipelines.sampling.sharpener import Sharpener
from t2i_tf import losses
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.image_ops import from_pixels

BATCH = 100  # pairs of image and caption scored at a time
EPSILON = losses.PROBABILITY_MARGIN  # distance of sharpened probabilities from 0 and 1

Terms = dict[str, np.ndarray]


class Scorer:
    """Computes the bounds of one system, in batches of one size.

    A system's own bound uses the likelihood it was trained with: Bernoulli for DRAW, a Gaussian for
    the VAEs, or a discrete one; the nats of different ones cannot be compared. So every bound is
    also computed by DRAW's convention, as `bound`: Bernoulli on real-valued pixels, with what is
    decoded as the mean.

    Args:
        trained: System that has a bound.
        sharpener: Sharpener for the likelihood after sharpening.
        batch: Pairs of image and caption scored at a time.

    Raises:
        UserError: the system has no bound, as a GAN, or the sharpener takes images of another size.
            Every method raises it where a bound is not finite.
    """

    def __init__(self, trained: Trained, sharpener: Sharpener | None = None, batch: int = BATCH):
        self.model = trained.model
        if self.model.bound is None:
            raise UserError(f"{self.model.title} has no bound on the likelihood.")
        if sharpener:
            sharpener.check_size(trained.config.model)
        self.batch, self.sharpener = batch, sharpener
        xla = trained.config.xla
        self._read = tf.function(trained.reader, autograph=False)
        self._noise = tf.function(self.model.noise, autograph=False)
        self._terms = tf.function(self._bound_terms, jit_compile=xla, autograph=False)
        self._weights = tf.function(self._log_weights, jit_compile=xla, autograph=False)
        self._sharpened = tf.function(self._sharpened_nll, autograph=False)

    def read(self, captions: Sequence[str]) -> np.ndarray:
        """Captions as the model reads them: token ids [n, N], or sentence vectors [n, D]."""
        read = self._map(lambda rows: {"read": self._read(_strings(captions, rows))}, captions)
        return read["read"]

    def terms(
        self, images: np.ndarray, captions: np.ndarray, seeds: np.ndarray, description: str
    ) -> Terms:
        """The bound of each image with its caption, from one sample of the posterior each.

        Args:
            images: uint8 [n, H, W, C].
            captions: Captions as `read` returns them, [n, ...].
            seeds: Seeds of the noise, int [n].
            description: Label of the progress bar.

        Returns:
            Nats: `bound`, `own_bound` and `bound_plus_entropy`, each [n], and `kl_per_step` [n, T].
            The Bernoulli entropy of the pixels is the least negative log-likelihood that any model
            can reach: `bound_plus_entropy` is at most 0.
        """
        return self._map(
            lambda rows: self._terms(images[rows], captions[rows], self._noise(seeds[rows])),
            seeds,
            description,
        )

    def pair_bounds(
        self,
        images: np.ndarray,
        captions: np.ndarray,
        pairs: np.ndarray,
        noise: np.ndarray,
        description: str,
    ) -> Terms:
        """The bounds of many pairs, all from the same noise.

        Args:
            images: uint8 [images, H, W, C].
            captions: Captions as `read` returns them, [captions, ...].
            pairs: Indices of image and caption, int [P, 2].
            noise: [T, Z].
            description: Label of the progress bar.

        Returns:
            Nats, as in `terms`: `own_bound` and `bound_plus_entropy`, each [P].
        """
        shared = np.repeat(noise[:, None], self.batch, axis=1)
        terms = self._map(
            lambda rows: self._terms(images[pairs[rows, 0]], captions[pairs[rows, 1]], shared),
            pairs,
            description,
        )
        return {name: terms[name] for name in ("own_bound", "bound_plus_entropy")}

    def log_weights(
        self, images: np.ndarray, captions: np.ndarray, samples: int, seed: int, description: str
    ) -> Terms:
        """Logarithms of importance weights, nats.

        Returns:
            float64 [n, samples]: `bernoulli`, by DRAW's convention, and `own`, by the likelihood
            that the system was trained with.
        """
        image = np.repeat(np.arange(len(images)), samples)
        seeds = seed + np.arange(len(image))
        weights = self._map(
            lambda rows: self._weights(
                images[image[rows]], captions[image[rows]], self._noise(seeds[rows])
            ),
            seeds,
            description,
        )
        shape = len(images), samples
        return {name: x.astype(np.float64).reshape(shape) for name, x in weights.items()}

    def sharpened_nll(
        self,
        images: np.ndarray,
        captions: np.ndarray,
        sentences: Sequence[str],
        seeds: np.ndarray,
        description: str,
    ) -> np.ndarray:
        """-log p(x) of images by their sharpened reconstruction, [n], nats.

        The posterior's sample decodes to a mean, which is sharpened and kept `EPSILON` away from 0
        and 1. The arguments are those of `terms`; `sentences` are the captions as strings.
        """
        return self._map(
            lambda rows: self._sharpened(
                images[rows],
                captions[rows],
                self._noise(seeds[rows]),
                self.sharpener.read(_strings(sentences, rows)),
            ),
            seeds,
            description,
        )["nll"]

    def _bound_terms(self, image, caption, noise):
        terms = self.model.terms({"image": image, self.model.reads: caption}, noise)
        nll, entropy = _bernoulli_terms(terms)
        bound = -(nll + terms["kl"])
        return {
            "bound": bound,
            "own_bound": -terms["loss"],
            "bound_plus_entropy": bound + entropy,
            "kl_per_step": tf.transpose(terms["kl_per_step"]),
        }

    def _log_weights(self, image, caption, noise):
        terms = self.model.importance_terms(image, caption, noise)
        ratio = tf.reduce_sum(terms["log_ratio_per_step"], axis=0)
        return {
            "bernoulli": -_bernoulli_terms(terms)[0] - ratio,
            "own": -terms["reconstruction_nll"] - ratio,
        }

    def _sharpened_nll(self, image, caption, noise, sentence):
        mean = self.sharpener(self.model.reconstruct(image, caption, noise), sentence)
        image = from_pixels(image, "float32")
        return {"nll": losses.bernoulli_nll_of_mean(image, tf.cast(mean, tf.float32))}

    def _map(
        self, compute: Callable[[np.ndarray], dict], rows: Sequence, description: str | None = None
    ) -> Terms:
        """Calls `compute` with the indices of all rows, `batch` at a time; joins what it returns.

        A last batch that is not full repeats the last row, so that each graph has one shape.
        """
        starts = range(0, len(rows), self.batch)
        parts = []
        for start in track(starts, description, transient=True) if description else starts:
            indices = np.minimum(np.arange(start, start + self.batch), len(rows) - 1)
            part = compute(indices)
            parts.append({name: x.numpy()[: len(rows) - start] for name, x in part.items()})
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if not all(
            np.isfinite(values).all() for values in joined.values() if values.dtype.kind == "f"
        ):
            raise UserError(
                f"Expected finite bounds, got infinite ones or NaN from {self.model.title}: its"
                " weights are damaged, or its training diverged."
            )
        return joined


def _bernoulli_terms(terms) -> tuple[tf.Tensor, tf.Tensor]:
    """-log p(x | z, y) by a Bernoulli likelihood, and the pixels' entropy, each [B], nats."""
    if "bernoulli_nll" in terms:
        return terms["bernoulli_nll"], terms["bernoulli_entropy"]
    return terms["reconstruction_nll"], terms["entropy"]


def _strings(captions: Sequence[str], rows: np.ndarray) -> tf.Tensor:
    return tf.constant([captions[k] for k in rows])
