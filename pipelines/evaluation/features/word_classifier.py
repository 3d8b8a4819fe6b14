"""Features of images, from a small network that is trained on the data folder's own images.

The paper takes its features from a VGG-like network trained on CIFAR. This one learns to predict
which words an image's captions contain, so that it can be trained on any data folder (our choice).
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from pipelines.data.prepared.data_folder import DataFolder
from pipelines.data.prepared.split_reader import SplitImages, read_images
from pipelines.judges.cached_network import load_or_train, train_steps
from pipelines.judges.cached_record import CLASSIFIER, About
from pipelines.judges.convolutions import build_convolutions
from t2i_tf.text.tokenizer import split_words
from t2i_tf.text.vocabulary import UNKNOWN, Vocabulary

SIDE = 32  # pixels, as in CIFAR: images of other sizes are resized to it
FILTERS = (32, 64, 128)
UNITS = 128  # D, size of the features
WORDS = 256  # predicted at most, the most frequent ones

IMAGES = 50_000  # training images read at most
STEPS, BATCH, LEARNING_RATE = 1200, 64, 2e-3


class Classifier(keras.Model):
    """3x3 convolutions, each followed by 2x2 max pooling, a dense layer, and a logit per word.

    Args:
        words: Words that it predicts, K of them.
        channels: Channels of the images, 1 or 3.
        seed: Seed of the initial weights.

    Call arguments:
        images: uint8 [B, H, W, C], of any size.

    Output:
        Logits float32 [B, K].
    """

    def __init__(self, words: Sequence[str], channels: int, seed: int = 0, **kwargs):
        super().__init__(name="classifier", **kwargs)
        self.words = tuple(words)
        he = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
        self.convolutions = build_convolutions(channels, FILTERS, he)
        self.dense = keras.layers.Dense(
            UNITS, activation="relu", kernel_initializer=he, name="features"
        )
        self.head = keras.layers.Dense(len(self.words), kernel_initializer=he, name="words")
        self.dense.build((None, (SIDE >> len(FILTERS)) ** 2 * FILTERS[-1]))
        self.head.build((None, UNITS))
        self.built = True
        self._embed = tf.function(self.embed, reduce_retracing=True, autograph=False)

    def call(self, images: tf.Tensor) -> tf.Tensor:  # noqa: D102
        return self.head(self.hidden(images))

    def hidden(self, images: tf.Tensor) -> tf.Tensor:
        """Activations of the layer before the logits, [B, D], at least 0."""
        x = tf.image.resize(tf.cast(images, tf.float32) / 255.0 - 0.5, (SIDE, SIDE), "area")
        for convolution in self.convolutions:
            x = tf.nn.max_pool2d(convolution(x), 2, 2, "VALID")
        return self.dense(tf.reshape(x, [tf.shape(x)[0], -1]))

    def embed(self, images: tf.Tensor) -> tf.Tensor:
        """The computation of `features` as a graph."""
        return tf.math.l2_normalize(self.hidden(images), axis=-1, epsilon=1e-12) * UNITS**0.5

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features of norm sqrt(D): their mean square is 1.

        So x . y / D is the cosine of two features, Euclidean neighbours are cosine neighbours, and
        KID's kernel is (cosine + 1)^3, independent of the scale that training arrived at.

        Args:
            images: uint8 [B, H, W, C], of any size.

        Returns:
            float32 [B, D].

        Raises:
            ValueError: the images have another type or shape.
        """
        channels = self.convolutions[0].kernel.shape[2]
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] != channels:
            raise ValueError(
                f"Expected uint8 [B, H, W, {channels}], got {images.dtype} {list(images.shape)}."
            )
        chunks = [images[k : k + 256] for k in range(0, len(images), 256)]
        found = [self._embed(tf.constant(chunk)).numpy() for chunk in chunks]
        return np.concatenate([np.zeros((0, UNITS), np.float32), *found])


def open_classifier(folder: DataFolder) -> tuple[Classifier, About]:
    """The classifier of a data folder, cached in `DATA-classifier`; trained where it is missing.

    Training takes about a minute on two cores. Two metrics are cached with it, in nats per image of
    `val`, lower is better: `nats`, and `nats_of_frequencies`, that of predicting the words'
    frequencies for every image.

    Raises:
        UserError: the data are damaged, or the cached classifier belongs to other data.
    """
    classifier = Classifier(frequent_words(folder.vocabulary), folder.channels)
    return classifier, load_or_train(
        classifier, folder, CLASSIFIER, lambda: train_classifier(classifier, folder)
    )


def train_classifier(
    classifier: Classifier, folder: DataFolder, *, steps: int | None = None, seed: int = 0
) -> dict[str, float]:
    """Train on `train`; returns the metrics on `val`, none where there is no such split."""
    images = read_images(folder, "train", IMAGES)
    labels = word_shares(images.captions, classifier.words, folder.vocabulary)
    train_steps(
        classifier,
        keras.losses.BinaryCrossentropy(from_logits=True),
        lambda step: _batch(images, labels, np.random.default_rng([seed, step])),
        steps=steps or STEPS,
        learning_rate=LEARNING_RATE,
        what="the classifier",
    )
    if "val" not in folder.manifest.splits:
        return {}
    val = read_images(folder, "val", 2000)
    targets = word_shares(val.captions, classifier.words, folder.vocabulary)
    chunks = [val.images[k : k + 256] for k in range(0, len(targets), 256)]
    logits = np.concatenate([classifier(chunk).numpy() for chunk in chunks])
    shares = np.clip(labels.mean(0), 1e-3, 1 - 1e-3)
    frequencies = np.broadcast_to(np.log(shares / (1 - shares)), logits.shape)
    return {"nats": _nats(targets, logits), "nats_of_frequencies": _nats(targets, frequencies)}


def frequent_words(vocabulary: Vocabulary, count: int = WORDS) -> tuple[str, ...]:
    """The most frequent words of a vocabulary, without its reserved entries."""
    order = np.argsort(-np.array(vocabulary.counts[UNKNOWN + 1 :]), kind="stable")[:count]
    return tuple(vocabulary.entries[UNKNOWN + 1 + k] for k in order)


def word_shares(
    captions: Sequence[Sequence[str]],
    words: Sequence[str],
    vocabulary: Vocabulary | None = None,
) -> np.ndarray:
    """The share of each image's captions that contain a word: float32 [images, K], 0 to 1.

    Args:
        captions: captions of each image.
        words: K words.
        vocabulary: how captions are split into words, as `split_words` says.
    """
    column = {word: k for k, word in enumerate(words)}
    shares = np.zeros((len(captions), len(words)), np.float32)
    for row, its_captions in zip(shares, captions, strict=True):
        for caption in its_captions:
            found = set(split_words(caption, vocabulary))
            row[[column[word] for word in found if word in column]] += 1
        row /= max(len(its_captions), 1)
    return shares


def _batch(split: SplitImages, labels: np.ndarray, random: np.random.Generator):
    rows = random.integers(len(labels), size=BATCH)
    return split.images[rows], labels[rows]


def _nats(targets: np.ndarray, logits: np.ndarray) -> float:
    """Binary cross-entropy, summed over the words, mean over images."""
    return float((np.logaddexp(0, logits) - targets * logits).sum(1).mean())
