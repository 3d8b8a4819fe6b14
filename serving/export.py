"""A checkpoint to a SavedModel: sentences in, PNG out, in a new numbered version.

The graph holds what TensorFlow Serving runs anywhere: core operations alone, no XLA, the vocabulary
as a table, the averaged weights. Dimension 0 of every tensor is the batch, so that requests can be
joined; noise comes from each request's own seed, so that a picture does not depend on its
neighbours. Requests that cannot be answered fail with INVALID_ARGUMENT and say why.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving import contract
from serving.check import check
from serving.errors import ServingError
from serving.server.servable import Servable
from serving.warmup import write_warmup
from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.models import Drawing
from t2i_tf.text.tokenizer import Tokenizer
from t2i_tf.text.vocabulary import UNKNOWN


class ServedModel(tf.Module):
    """The signatures of the contract over a trained model.

    A Keras model held as it is saves, but fails in a Session: Keras wraps its variables. So the
    variables themselves are kept on the module.
    """

    def __init__(self, trained: Trained):
        super().__init__()
        self._model = trained.model
        self._tokenizer = Tokenizer(trained.vocabulary, trained.config.max_words)
        self._sizes = trained.config.model
        self.weights = [weight.value for weight in trained.model.weights]
        self.table = self._tokenizer.table

    def signatures(self) -> dict:
        """Name -> a concrete function for each signature of the contract."""
        text = tf.TensorSpec([None], tf.string)
        drawing = {
            contract.PROMPT: text,
            contract.SEED: tf.TensorSpec([None], tf.int64),
            contract.TEMPERATURE: tf.TensorSpec([None], tf.float32),
        }
        scoring = {
            contract.PNG_BYTES_IN: text,
            contract.PROMPT: text,
            contract.SEED: drawing["seed"],
        }
        return {
            contract.DRAW.name: _signature(self.draw, drawing),
            contract.DRAW_STEPS.name: _signature(self.draw_steps, drawing),
            contract.SCORE.name: _signature(self.score, scoring),
        }

    def draw(self, prompt, seed, temperature):
        """`serving_default`: the picture, as pixels and as PNG."""
        image = _pixels(self._drawing(prompt, seed, temperature).image)
        return {contract.IMAGE: image, contract.PNG_BYTES: _png(image)}

    def draw_steps(self, prompt, seed, temperature):
        """`draw_steps`: every canvas on the way, and what each step attended to."""
        drawing = self._drawing(prompt, seed, temperature)
        canvases = _pixels(drawing.canvases)
        words = self._tokenizer.words(prompt, pad=True)
        ids = self._tokenizer(prompt, pad=True)
        return {
            contract.CANVASES: canvases,
            contract.ALIGNMENT: drawing.alignment,
            contract.WORDS: words,
            contract.KNOWN: ids > UNKNOWN,
            contract.WINDOWS: drawing.windows,
            contract.PNG_BYTES: _png(canvases[:, -1]),
        }

    def score(self, png_bytes_in, prompt, seed):
        """`score`: the bound on log p(picture | sentence), nats, from one posterior sample."""
        with tf.control_dependencies(self._refusals(prompt, seed, png_bytes_in)):
            image = tf.map_fn(self._decode, png_bytes_in, fn_output_signature=tf.uint8)
            terms = self._model.terms(
                image, self._tokenizer(prompt, pad=True), self._model.noise(seed)
            )
        kl = tf.reduce_sum(terms["kl_per_step"], axis=0)
        return {contract.BOUND: -(terms["reconstruction_nll"] + kl)}

    def _drawing(self, prompt, seed, temperature) -> Drawing:
        usable = tf.math.is_finite(temperature) & (temperature >= 0.0)
        refusals = [
            *self._refusals(prompt, seed, temperature),
            tf.debugging.Assert(
                tf.reduce_all(usable),
                ["temperature: expected finite numbers of 0 or more, got", temperature],
            ),
        ]
        with tf.control_dependencies(refusals):
            ids = self._tokenizer(prompt, pad=True)
            return self._model.generate(ids, self._model.noise(seed, temperature))

    def _refusals(self, prompt, *others) -> list:
        """Assertions that the request is one this model can answer."""
        steps, limit = self._sizes.steps, self._tokenizer.max_words
        count = tf.size(prompt)
        sizes = tf.stack([tf.size(other) for other in others])
        words = self._tokenizer.lengths(prompt)
        return [
            tf.debugging.Assert(
                tf.reduce_all(sizes == count),
                ["expected as many of every input as there are prompts,", count, "got", sizes],
            ),
            tf.debugging.Assert(
                (count > 0) & (count * steps <= contract.MAX_CANVASES),
                [f"prompt: expected 1 to {contract.MAX_CANVASES // steps} of them, got", count],
            ),
            tf.debugging.Assert(
                tf.reduce_all(tf.strings.length(prompt) <= contract.MAX_PROMPT_BYTES),
                [f"prompt: expected at most {contract.MAX_PROMPT_BYTES} bytes, got more"],
            ),
            tf.debugging.Assert(
                tf.reduce_all((words > 0) & (words <= limit)),
                [f"prompt: expected 1 to {limit} words and marks, got", words],
            ),
        ]

    def _decode(self, png):
        sizes = self._sizes
        image = tf.io.decode_png(png, channels=sizes.channels)
        expected = [sizes.height, sizes.width, sizes.channels]
        size = tf.shape(image)
        fits = tf.debugging.Assert(
            tf.reduce_all(size == expected),
            [f"png_bytes_in: expected {sizes.height} x {sizes.width} pixels, got", size[:2]],
        )
        with tf.control_dependencies([fits]):
            return tf.reshape(image, expected)


def export(workdir: Path, out: Path, which: str = "best") -> Path:
    """Write the model of a work folder as the next version of `out`, and check it.

    Args:
        workdir: written by `python -m pipelines train`.
        out: the model's base path, with a folder for each version; made where missing.
        which: the "best" checkpoint by validation loss, or the "last".

    Returns:
        The version's folder. It appears whole, and only if every check holds: a server that watches
        `out` loads it at once.

    Raises:
        UserError: no such run.
        ServingError: a check does not hold.
    """
    trained = checkpoints.load(workdir, which)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    version = out / str(_next_version(out))
    scratch = Path(tempfile.mkdtemp(dir=out, prefix=".exporting-"))
    try:
        save(trained, scratch)
        check(scratch)
        check_against(scratch, trained)
        scratch.chmod(0o755)  # a temporary folder is its owner's alone
        scratch.rename(version)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return version


def save(trained: Trained, folder: Path) -> None:
    """Write the SavedModel of a trained model, with its warm-up requests, unchecked."""
    served = ServedModel(trained)
    tf.saved_model.save(served, str(folder), signatures=served.signatures())
    write_warmup(folder, _some_captions(trained)[0])


def check_against(folder: Path, trained: Trained) -> str:
    """Check that the export draws what the model draws, alone and in a batch of eight.

    Raises:
        ServingError: a picture differs.
    """
    captions, seeds = _some_captions(trained), np.arange(8)
    ids = Tokenizer(trained.vocabulary, trained.config.max_words)(tf.constant(captions), pad=True)
    images = trained.model.generate(ids, trained.model.noise(seeds)).image.numpy()
    expected = np.round(255 * images).astype(np.int32)
    servable = Servable(folder)
    try:
        together = _draw(servable, captions, seeds)
        alone = np.concatenate(
            [_draw(servable, captions[k : k + 1], seeds[k : k + 1]) for k in range(8)]
        )
    finally:
        servable.close()
    for name, drawn in (("in a batch of 8", together), ("alone", alone)):
        worst = int(np.abs(drawn - expected).max())
        # Products of another shape may be summed in another order: a pixel may round otherwise.
        if worst > 1:
            raise ServingError(
                f"{folder} draws otherwise than the model {name}: by {worst} of 255."
            )
    return "pictures are the model's own, alone and in a batch of 8"


def _some_captions(trained: Trained) -> list[str]:
    """Eight captions of words that the model knows."""
    words = trained.vocabulary.entries[UNKNOWN + 1 :]
    return [" ".join(words[k % len(words) :][:5]) for k in range(8)]


def _draw(servable: Servable, captions: list[str], seeds: np.ndarray) -> np.ndarray:
    signature = servable.signature(contract.DRAW.name)
    feeds = {
        contract.PROMPT: np.array([caption.encode() for caption in captions], object),
        contract.SEED: seeds.astype(np.int64),
        contract.TEMPERATURE: np.ones(len(seeds), np.float32),
    }
    return servable.run(signature, feeds)[contract.IMAGE].astype(np.int32)


def _next_version(out: Path) -> int:
    versions = [int(path.name) for path in out.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1


def _signature(function, specs: dict):
    named = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in specs.items()}
    return tf.function(function).get_concrete_function(**named)


def _pixels(values: tf.Tensor) -> tf.Tensor:
    """[0, 1] to uint8, rounded as the drawings of `python -m pipelines generate` are."""
    return tf.cast(tf.round(255.0 * values), tf.uint8)


def _png(images: tf.Tensor) -> tf.Tensor:
    """uint8 [B, H, W, C] to PNG, string [B]."""
    return tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)
