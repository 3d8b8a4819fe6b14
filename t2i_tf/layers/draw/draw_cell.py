"""The DRAW recurrence: one step of inference, one step of generation (paper, equations 4 to 10)."""

from typing import NamedTuple

import keras
import tensorflow as tf

from t2i_tf.layers.draw import filterbank
from t2i_tf.layers.draw.conditioning import Memory
from t2i_tf.layers.draw.gaussian import Gaussian
from t2i_tf.layers.draw.guidance import GuidedState, guided
from t2i_tf.layers.draw.window import Convention, Window, extent, window


class DrawState(NamedTuple):
    """The recurrent state between two steps."""

    encoder_h: tf.Tensor  # [B, encoder_units]
    encoder_c: tf.Tensor
    decoder_h: tf.Tensor  # [B, decoder_units]
    decoder_c: tf.Tensor
    canvas: tf.Tensor  # [B, H * C, W], in the layout of `filterbank`


class InferenceStep(NamedTuple):
    """The output of an inference step, for the losses."""

    posterior_mean: tf.Tensor  # [B, Z]
    posterior_log_sigma: tf.Tensor
    prior_mean: tf.Tensor
    prior_log_sigma: tf.Tensor
    alignment: tf.Tensor  # [B, N]
    window: tf.Tensor  # [B, 4], write window: top, left, bottom, right, pixels


class GenerationStep(NamedTuple):
    """The output of a generation step, for display."""

    canvas: tf.Tensor  # [B, H * C, W], in the layout of `filterbank`
    alignment: tf.Tensor  # [B, N]
    window: tf.Tensor  # [B, 4], write window: top, left, bottom, right, pixels


class DrawCell(keras.layers.Layer):
    """Read, infer, decode, write.

    Inference, with image x and canvas c:

        r_t = gamma [read(x), read(x - image(c_{t-1}))]           window from h_{t-1}^gen
        h_t^inf = LSTM([r_t, h_{t-1}^gen], h_{t-1}^inf)
        Q(Z_t):  mean = W h_t^inf,   log sigma = 0.5 W h_t^inf

    Both inference and generation:

        P(Z_1) = N(0, I);   P(Z_t): mean and log sigma = tanh(W h_{t-1}^gen)
        h_t^gen = LSTM([z_t, s_t], h_{t-1}^gen)                   s_t from the conditioner
        c_t = c_{t-1} + write(h_t^gen) / gamma                    window from h_t^gen

    The image of a canvas is its sigmoid, or what another likelihood makes of it. Reading is linear:
    read(x - image(c)) is computed as read(x) - read(image(c)), so that no error image is kept for
    the gradient. The LSTMs have zero initial biases and no peepholes; initial states are learned.

    Args:
        height, width, channels: size of the image; height and width may differ.
        conditioner: a `Conditioner`, the part in which the DRAW systems differ.
        encoder_units, decoder_units: units of the inference and of the generative LSTM.
        latent_units: Z.
        read_size, write_size: P, sides of the patches.
        initial_canvas: value of the empty canvas.
        learned_canvas: whether the empty canvas is learned too, pixel by pixel.
        convention: of the windows; `authors` for weights that were trained with the authors' code.
        to_image: canvases, in any layout, to images in [0, 1].
        initializer: initializer of the weights.
    """

    def __init__(
        self,
        *,
        height,
        width,
        channels,
        conditioner,
        encoder_units,
        decoder_units,
        latent_units,
        read_size,
        write_size,
        initial_canvas,
        initializer,
        learned_canvas: bool = False,
        convention: Convention = "centred",
        to_image=tf.sigmoid,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.height, self.width, self.channels = height, width, channels
        self.read_size, self.write_size = read_size, write_size
        self.latent_units = latent_units
        self.initial_canvas = initial_canvas
        self.learned_canvas = learned_canvas
        self.convention = convention
        self.to_image = to_image
        self.conditioner = conditioner

        def lstm(units, name):
            return keras.layers.LSTMCell(
                units,
                kernel_initializer=initializer,
                recurrent_initializer=initializer,
                unit_forget_bias=False,
                dtype=self.dtype_policy,
                name=name,
            )

        def dense(units, name):
            return keras.layers.Dense(
                units, kernel_initializer=initializer, dtype=self.dtype_policy, name=name
            )

        self.encoder = lstm(encoder_units, "encoder")
        self.decoder = lstm(decoder_units, "decoder")
        self.posterior_head = dense(2 * latent_units, "posterior")
        self.prior_head = dense(2 * latent_units, "prior")
        self.read_window = dense(5, "read_window")
        self.write_window = dense(5, "write_window")
        self.write_patch = dense(write_size**2 * channels, "write_patch")

    def build(self, caption_states_shape):  # noqa: D102
        encoder_units, decoder_units = self.encoder.units, self.decoder.units
        context_units = caption_states_shape[-1]
        patch_units = 2 * self.read_size**2 * self.channels
        self.conditioner.build(caption_states_shape, (None, decoder_units))
        self.encoder.build((None, patch_units + decoder_units))
        self.decoder.build((None, self.latent_units + context_units))
        self.posterior_head.build((None, encoder_units))
        for head in (self.prior_head, self.read_window, self.write_window, self.write_patch):
            head.build((None, decoder_units))
        self.initial = [
            self.add_weight(shape=(units,), initializer="zeros", name=f"initial_{name}")
            for name, units in [
                ("encoder_h", encoder_units),
                ("encoder_c", encoder_units),
                ("decoder_h", decoder_units),
                ("decoder_c", decoder_units),
            ]
        ]
        if self.learned_canvas:
            self.empty_canvas = self.add_weight(
                shape=(self.height, self.width, self.channels),
                initializer=keras.initializers.Constant(self.initial_canvas),
                name="empty_canvas",
            )

    def initial_state(self, batch: tf.Tensor) -> DrawState:
        """The learned state before the first step, with an empty canvas."""
        hidden = [
            tf.tile(tf.cast(weight.value, self.compute_dtype)[None], [batch, 1])
            for weight in self.initial
        ]
        return DrawState(*hidden, self._empty_canvas(batch))

    def _empty_canvas(self, batch: tf.Tensor) -> tf.Tensor:
        if self.learned_canvas:
            rows = filterbank.to_rows(self._full_precision(self.empty_canvas.value)[None])
            return tf.tile(rows, [batch, 1, 1])
        empty = tf.constant(self.initial_canvas, self.variable_dtype)
        return tf.fill([batch, self.height * self.channels, self.width], empty)

    def infer(
        self, rows: tf.Tensor, memory: Memory, state: DrawState, noise: tf.Tensor, t: tf.Tensor
    ) -> tuple[DrawState, InferenceStep]:
        """One step of inference, which reads the image.

        Args:
            rows: the image [B, H * C, W] in [0, 1], in the layout of `filterbank`.
            memory: the caption, from the conditioner's `memorize`.
            state: the state after the previous step.
            noise: [B, Z], standard normal.
            t: the number of the step, from 0.
        """
        prior = self._prior(state, t)
        glimpse = self._read(rows, state)
        encoder_h, (_, encoder_c) = self.encoder(
            tf.concat([glimpse, state.decoder_h], -1), [state.encoder_h, state.encoder_c]
        )
        mean, log_sigma = tf.split(self._full_precision(self.posterior_head(encoder_h)), 2, axis=-1)
        posterior = Gaussian(mean, 0.5 * log_sigma)
        state = state._replace(encoder_h=encoder_h, encoder_c=encoder_c)
        state, alignment, window = self._decode(state, memory, posterior.sample(noise))
        return state, InferenceStep(*posterior, *prior, alignment, window)

    def generate(
        self, memory: Memory, state: DrawState, noise: tf.Tensor, t: tf.Tensor
    ) -> tuple[DrawState, GenerationStep]:
        """One step of generation, with the latent from the prior; arguments as for `infer`."""
        latent = self._prior(state, t).sample(noise)
        state, alignment, window = self._decode(state, memory, latent)
        return state, GenerationStep(state.canvas, alignment, window)

    def generate_guided(
        self,
        memories: tuple[Memory, Memory],
        states: GuidedState,
        noise: tf.Tensor,
        t: tf.Tensor,
        guidance: tf.Tensor | float,
    ) -> tuple[GuidedState, GenerationStep]:
        """One step of guided generation.

        Mean and log sigma of the prior and the logits of the canvas are `guided`; alignment and
        window are those of the state that reads the caption.

        Args:
            memories: the caption, and the one to move away from.
            states: their states after the previous step.
            noise: [B, Z], standard normal.
            t: the number of the step, from 0.
            guidance: w, [B] or a number.
        """
        priors = [self._prior(state, t) for state in states]
        pairs = zip(*priors, strict=True)
        latent = Gaussian(*(guided(*pair, guidance) for pair in pairs)).sample(noise)
        (given, alignment, window), (other, *_) = (
            self._decode(state, memory, latent)
            for state, memory in zip(states, memories, strict=True)
        )
        canvas = guided(given.canvas, other.canvas, guidance)
        return GuidedState(given, other), GenerationStep(canvas, alignment, window)

    def _full_precision(self, x: tf.Tensor) -> tf.Tensor:
        """Windows, canvas and distributions are computed in the precision of the weights."""
        return tf.cast(x, self.variable_dtype)

    def _prior(self, state: DrawState, t: tf.Tensor) -> Gaussian:
        after_first = self._full_precision(t > 0)  # tanh(.) * 0: the first prior is N(0, I)
        both = after_first * tf.tanh(self._full_precision(self.prior_head(state.decoder_h)))
        return Gaussian(*tf.split(both, 2, axis=-1))

    def _read(self, rows: tf.Tensor, state: DrawState) -> tf.Tensor:
        parameters = self._full_precision(self.read_window(state.decoder_h))
        read_window, banks = self._window(parameters, self.read_size)
        patch = filterbank.read(rows, *banks)
        error_patch = patch - filterbank.read(self.to_image(state.canvas), *banks)
        glimpse = read_window.intensity * tf.concat([patch, error_patch], axis=-1)
        return tf.cast(glimpse, self.compute_dtype)

    def _window(self, parameters: tf.Tensor, size: int) -> tuple[Window, tuple]:
        """The window that five outputs describe, and its filters."""
        image = self.height, self.width
        found = window(parameters, *image, size, self.convention)
        tolerance = filterbank.AUTHORS_TOLERANCE if self.convention == "authors" else 0.0
        return found, filterbank.filterbanks(found, size, *image, tolerance)

    def _decode(self, state: DrawState, memory: Memory, latent: tf.Tensor):
        context, alignment = self.conditioner(memory, state.decoder_h)
        decoder_h, (_, decoder_c) = self.decoder(
            tf.concat([tf.cast(latent, self.compute_dtype), context], -1),
            [state.decoder_h, state.decoder_c],
        )
        parameters = self._full_precision(self.write_window(decoder_h))
        write_window, banks = self._window(parameters, self.write_size)
        patch = self._full_precision(self.write_patch(decoder_h)) / write_window.intensity
        canvas = state.canvas + filterbank.write(patch, *banks)
        state = state._replace(decoder_h=decoder_h, decoder_c=decoder_c, canvas=canvas)
        return state, alignment, extent(write_window, self.write_size)
