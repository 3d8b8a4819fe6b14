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
        return methods | ({contract.SCORE: self.score} if self._model.bound else {})

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
        with tf.control_dependencies(self._checks(prompt, seed, png_bytes_in)):
            image = self._decoded(png_bytes_in)
            bound = self._model.bound(image, self.reader(prompt), self._model.noise(seed))
        return {contract.BOUND: bound}

    def _drawing(self, prompt, seed, temperature) -> Drawing:
        valid = tf.math.is_finite(temperature) & (temperature >= 0.0)
        checks = [
            *self._checks(prompt, seed, temperature),
            tf.debugging.Assert(
                tf.reduce_all(valid),
                ["temperature: expected finite numbers of 0 or more, got", temperature],
            ),
        ]
        with tf.control_dependencies(checks):
            return self._model.generate(self.reader(prompt), self._model.noise(seed, temperature))

    def _sharpened(self, drawing: Drawing, prompt) -> dict[str, tf.Tensor]:
        if not self._sharpener:
            return {}
        image = self._sharpener.model.sharpen(drawing.image, self.sharpener_reader(prompt))
        return {contract.SHARPENED_PNG_BYTES: png(to_pixels(image))}

    def _checks(self, prompt, *others) -> list:
        """Assertions that this model can answer the request."""
        return [self._check_same_count(prompt, *others), *self._check_prompts(prompt)]

    @property
    def _most_prompts(self) -> int:
        """Memory grows with the number of canvases: a model of many steps takes smaller batches."""
        return contract.MAX_CANVASES // self._model.noise_shape[0]


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
