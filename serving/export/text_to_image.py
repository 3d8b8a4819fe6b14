"""The signatures of a text-to-image model."""

import tensorflow as tf

from serving import contract
from serving.errors import ServingError
from serving.export.served_module import ServedModule, png
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.image_ops import check_same_shape, image_shape, to_pixels
from t2i_tf.models import Drawing
from t2i_tf.text.vocabulary import UNKNOWN


class ServedTextToImage(ServedModule):
    """Draws captions, at once or step by step, and scores images where the model has a bound.

    Args:
        trained: A model that draws.
        sharpener: If given, each image is returned sharpened as well.

    Raises:
        ServingError: either run is of another kind of model, or their image sizes differ.
    """

    def __init__(self, trained: Trained, sharpener: Trained | None = None):
        super().__init__(trained)
        self._sharpener = sharpener
        if sharpener:
            _check_pair(trained, sharpener)
            self.sharpener_weights = [weight.value for weight in sharpener.model.weights]
            self.sharpener_reader = sharpener.reader

    @property
    def methods(self):  # noqa: D102
        methods = {contract.DRAW: self.draw, contract.DRAW_STEPS: self.draw_steps}
        if self._model.bound:
            methods[contract.SCORE] = self.score
            if self._model.has_empty_caption and self._model.can_be_guided:
                methods |= {
                    contract.DRAW_GUIDED: self.draw_guided,
                    contract.DRAW_BEST: self.draw_best,
                }
        return methods

    def draw(self, prompt, seed, temperature):
        """`serving_default`: the image, as pixels and as PNG."""
        prompt = self._sized(prompt, self._most_prompts)
        drawing = self._drawing(prompt, seed, temperature)
        image = to_pixels(drawing.image)
        answer = {contract.IMAGE: image, contract.PNG_BYTES: png(image)}
        return answer | self._sharpened(drawing, prompt)

    def draw_steps(self, prompt, seed, temperature):
        """`draw_steps`: every canvas, with the write windows and the attention to the words."""
        prompt = self._sized(prompt, self._most_prompts)
        drawing = self._drawing(prompt, seed, temperature)
        return self._steps(drawing, prompt)

    def draw_guided(self, prompt, seed, temperature, guidance, instead_of):
        """`draw_guided`: the image and its steps, moved away from another caption."""
        prompt = self._sized(prompt, self._most_prompts)
        checks = self._checks(prompt, seed, temperature, guidance, instead_of)
        with tf.control_dependencies([*checks, _check_guidance(guidance)]):
            caption, other = self.reader(prompt), self._read_other(prompt, instead_of)
            noise = self._model.noise(seed, temperature)
            drawing = self._model.generate(caption, noise, guidance, other)
        return self._steps(drawing, prompt) | {contract.IMAGE: to_pixels(drawing.image)}

    def draw_best(self, prompt, seed, temperature, guidance, instead_of, best_of):
        """`draw_best`: of several guided drawings the one that fits its caption best."""
        prompt = self._sized(prompt, self._most_prompts)
        checks = self._checks(prompt, seed, temperature, guidance, instead_of, best_of)
        checks += [_check_guidance(guidance), _check_best_of(best_of), _check_room(seed, best_of)]
        with tf.control_dependencies(checks):
            caption, other = self.reader(prompt), self._read_other(prompt, instead_of)
            seeds = best_of * seed

        def generate(seeds) -> Drawing:
            noise = self._model.noise(seeds, temperature)
            return self._model.generate(caption, noise, guidance, other)

        def candidate(k, chosen, highest):
            image = to_pixels(generate(seeds + k).image)
            gain = self._model.gain(image, caption, self._model.noise(tf.zeros_like(seeds)), other)
            asked = k < best_of
            with tf.control_dependencies([_check_finite(gain[asked])]):
                better = (gain > highest) & asked
            return k + 1, tf.where(better, k, chosen), tf.where(better, gain, highest)

        # The choice alone is kept from the loop: the chosen are drawn once more, with their steps.
        start = (
            tf.constant(0, tf.int64),
            tf.zeros_like(best_of),
            tf.fill(tf.shape(best_of), -float("inf")),
        )
        most = tf.reduce_max(best_of)
        _, chosen, gain = tf.while_loop(lambda k, *_: k < most, candidate, start)
        seeds += chosen
        drawing = generate(seeds)
        return self._steps(drawing, prompt) | {
            contract.IMAGE: to_pixels(drawing.image),
            contract.CHOSEN_SEED: seeds,
            contract.GAIN: gain,
        }

    def _steps(self, drawing: Drawing, prompt) -> dict[str, tf.Tensor]:
        """Every canvas, with the write windows and the attention to the words."""
        canvases = to_pixels(drawing.canvases)
        words = self.tokenizer.words(prompt, pad=True)
        # A system that reads no words has an alignment of width 0: its attention to each is 0.
        missing = tf.shape(words)[1] - tf.shape(drawing.alignment)[2]
        alignment = tf.pad(drawing.alignment, [[0, 0], [0, 0], [0, missing]])
        answer = {
            contract.CANVASES: canvases,
            contract.ALIGNMENT: alignment,
            contract.WORDS: words,
            contract.KNOWN: self.tokenizer(prompt, pad=True) > UNKNOWN,
            contract.WINDOWS: drawing.windows,
            contract.PNG_BYTES: png(canvases[:, -1]),
        }
        return answer | self._sharpened(drawing, prompt)

    def score(self, png_bytes_in, prompt, seed):
        """`score`: the bound on log p(image | caption), nats, from one posterior sample."""
        prompt = self._sized(prompt, self._most_prompts)
        checks = [self._check_same_count(prompt, seed, png_bytes_in), *self._check_prompts(prompt)]
        with tf.control_dependencies(checks):
            image = self._decoded(png_bytes_in)
            bound = self._model.bound(image, self.reader(prompt), self._model.noise(seed))
        return {contract.BOUND: bound}

    def _drawing(self, prompt, seed, temperature) -> Drawing:
        with tf.control_dependencies(self._checks(prompt, seed, temperature)):
            return self._model.generate(self.reader(prompt), self._model.noise(seed, temperature))

    def _read_other(self, prompt, instead_of):
        """Captions as the model reads them, the empty caption where there are no words."""
        instead_of = self._sized(instead_of, self._most_prompts, contract.INSTEAD_OF)
        limit, words = self.tokenizer.max_words, self.tokenizer.lengths(instead_of)
        fits = tf.debugging.Assert(
            tf.reduce_all(words <= limit),
            [
                f"{contract.INSTEAD_OF}: expected at most {limit} words and marks, got",
                words[words > limit][:1],
            ],
        )
        with tf.control_dependencies([fits]):
            empty = words == 0
            # An encoder of sentences needs words: those of the prompt stand in, and are not used.
            read = self.reader(tf.where(empty, prompt, instead_of))
        return tf.where(empty[:, None], self._model.empty_caption(read), read)

    def _sharpened(self, drawing: Drawing, prompt) -> dict[str, tf.Tensor]:
        if not self._sharpener:
            return {}
        image = self._sharpener.model.sharpen(drawing.image, self.sharpener_reader(prompt))
        return {contract.SHARPENED_PNG_BYTES: png(to_pixels(image))}

    def _checks(self, prompt, seed, temperature, *others) -> list:
        """Assertions that this model can answer a request to draw."""
        return [
            self._check_same_count(prompt, seed, temperature, *others),
            *self._check_prompts(prompt),
            _check_range(contract.TEMPERATURE, temperature, contract.MAX_TEMPERATURE),
        ]

    @property
    def _most_prompts(self) -> int:
        """Memory grows with the number of canvases: a model of many steps takes smaller batches."""
        return contract.MAX_CANVASES // self._model.noise_shape[0]


def _check_guidance(guidance):
    return _check_range(contract.GUIDANCE, guidance, contract.MAX_GUIDANCE)


def _check_range(name: str, value, most: float):
    """Assertion that float values are from 0 to the most that the contract allows; NaN is not."""
    valid = (value >= 0.0) & (value <= most)
    expected = f"{name}: expected numbers from 0 to {most:.0f}, got"
    return tf.debugging.Assert(tf.reduce_all(valid), [expected, value[~valid][:1]])


def _check_best_of(best_of):
    """Assertion that the number of drawings is in the contract's range."""
    valid = (best_of >= 1) & (best_of <= contract.MAX_BEST_OF)
    expected = f"best_of: expected numbers from 1 to {contract.MAX_BEST_OF}, got"
    return tf.debugging.Assert(tf.reduce_all(valid), [expected, best_of[~valid][:1]])


def _check_finite(gain):
    """Assertion that drawings can be compared: gains are not finite where weights are damaged."""
    finite = tf.math.is_finite(gain)
    expected = f"{contract.GAIN}: expected finite numbers to choose by, got"
    return tf.debugging.Assert(tf.reduce_all(finite), [expected, gain[~finite][:1]])


def _check_room(seed, best_of):
    """Assertion that the seeds of all candidates, from n s to n s + n - 1, are int64."""
    count = tf.maximum(best_of, 1)  # what is less is refused for itself
    high = (tf.int64.max - (count - 1)) // count
    valid = (seed <= high) & (seed >= tf.truncatediv(tf.constant(tf.int64.min, tf.int64), count))
    expected = "seed: expected numbers that fit in 64 bits when multiplied by best_of, got"
    return tf.debugging.Assert(tf.reduce_all(valid), [expected, seed[~valid][:1]])


def _check_pair(trained: Trained, sharpener: Trained) -> None:
    for one, ability in ((trained, "generate"), (sharpener, "sharpen")):
        if not hasattr(one.model, ability):
            raise ServingError(
                f"A {type(one.model).__name__} cannot {ability}. Expected the run of a "
                "text-to-image system, and for --sharpen that of a sharpener."
            )
    try:
        check_same_shape(
            image_shape(sharpener.config.model),
            image_shape(trained.config.model),
            "The sharpener was trained on images of {expected}, the model draws {found}",
            "Train a sharpener on the model's data folder.",
        )
    except UserError as error:
        raise ServingError(str(error)) from error
