"""A text-to-image model, served."""

import tensorflow as tf

from serving import contract
from serving.errors import ServingError
from serving.export.served_module import Served, png
from t2i_tf.checkpoints import Trained
from t2i_tf.errors import UserError
from t2i_tf.image_ops import check_same_shape, image_shape, to_pixels
from t2i_tf.models import Drawing
from t2i_tf.text.vocabulary import UNKNOWN


class ServedDrawer(Served):
    """Draws captions, step by step where asked, and scores pictures where the model has a bound.

    Args:
        trained: a model that draws.
        sharpener: where given, each picture comes sharpened too.

    Raises:
        ServingError: the model draws nothing, the sharpener sharpens nothing, or not this size.
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
        """`serving_default`: the picture, as pixels and as PNG."""
        drawing = self._drawing(prompt, seed, temperature)
        image = to_pixels(drawing.image)
        answer = {contract.IMAGE: image, contract.PNG_BYTES: png(image)}
        return answer | self._sharpened(drawing, prompt)

    def draw_steps(self, prompt, seed, temperature):
        """`draw_steps`: every canvas on the way, and what each step attended to."""
        drawing = self._drawing(prompt, seed, temperature)
        canvases = to_pixels(drawing.canvases)
        words = self.tokenizer.words(prompt, pad=True)
        # A system that sees no words attends to none of them.
        unseen = tf.shape(words)[1] - tf.shape(drawing.alignment)[2]
        alignment = tf.pad(drawing.alignment, [[0, 0], [0, 0], [0, unseen]])
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
        """`score`: the bound on log p(picture | sentence), nats, from one posterior sample."""
        with tf.control_dependencies(self._refusals(prompt, seed, png_bytes_in)):
            image = self._decoded(png_bytes_in)
            bound = self._model.bound(image, self.reader(prompt), self._model.noise(seed))
        return {contract.BOUND: bound}

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
            return self._model.generate(self.reader(prompt), self._model.noise(seed, temperature))

    def _sharpened(self, drawing: Drawing, prompt) -> dict[str, tf.Tensor]:
        if not self._sharpener:
            return {}
        image = self._sharpener.model.sharpen(drawing.image, self.sharpener_reader(prompt))
        return {contract.SHARPENED_PNG_BYTES: png(to_pixels(image))}

    def _refusals(self, prompt, *others) -> list:
        """Assertions that the request is one this model can answer."""
        limit = contract.MAX_CANVASES // self._model.noise_shape[0]
        return [
            self._same_count(prompt, *others),
            self._usable_count(contract.PROMPT, prompt, limit),
            *self._usable_prompts(prompt),
        ]


def _check_pair(trained: Trained, sharpener: Trained) -> None:
    for one, ability in ((trained, "generate"), (sharpener, "sharpen")):
        if not hasattr(one.model, ability):
            raise ServingError(
                f"A {type(one.model).__name__} does not {ability}. Expected the run of a "
                "text-to-image system, and that of a sharpener behind it."
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
