"""The convolutional DRAW recurrence: one step of inference, one step of generation."""

from typing import NamedTuple

import keras
import tensorflow as tf

from t2i_tf.layers.conv_draw.grid_conv import GridConv
from t2i_tf.layers.conv_draw.grid_lstm import GridLSTM
from t2i_tf.layers.conv_draw.place_attention import PlaceAttention
from t2i_tf.layers.conv_draw.places import enlarged, from_places, grid_sides, halved, to_places
from t2i_tf.layers.draw.conditioning import Memory
from t2i_tf.layers.draw.gaussian import Gaussian
from t2i_tf.layers.draw.guidance import GuidedState, guided


class GridState(NamedTuple):
    """The recurrent state between two steps; a view is h with the neighbours' messages."""

    encoder_view: tf.Tensor  # [B, h, w, encoder_channels + message_channels]
    encoder_c: tf.Tensor  # [B, h, w, encoder_channels]
    decoder_view: tf.Tensor  # [B, h, w, decoder_channels + message_channels]
    decoder_c: tf.Tensor  # [B, h, w, decoder_channels]
    canvas: tf.Tensor  # [B, h, w, side * side * C], in the layout of `places`


class GridInference(NamedTuple):
    """The output of an inference step, for the losses."""

    posterior_mean: tf.Tensor  # [B, Z], Z that of the finest scale
    posterior_log_sigma: tf.Tensor
    prior_mean: tf.Tensor
    prior_log_sigma: tf.Tensor


class GridGeneration(NamedTuple):
    """The output of a generation step, for display."""

    canvas: tf.Tensor  # [B, h, w, side * side * C], in the layout of `places`
    alignment: tf.Tensor  # [B, N], mean over the places


class Attended(NamedTuple):
    """What a step takes from the caption, before its latents are sampled."""

    drive: tf.Tensor  # [B, h, w, 4 * decoder_channels], the context's part of the gates
    prior: Gaussian  # parameters [B, h * w * latent_channels]
    alignment: tf.Tensor  # [B, h * w, N]


class ConvDrawCell(keras.layers.Layer):
    """Read, infer, attend, decode, write, everywhere at once.

    After Gregor et al. 2016 ("Towards Conceptual Compression"), conditioned on words. A place of
    the grid stands for a square of the image; its latents describe that square and what is around
    it. W is an affine map at each place, and v the view of a `GridLSTM`: its state and what the
    places around pass on, the only way between places. Inference, with image x, canvas c and the
    picture r = image(c) that the canvas shows:

        e_t     = relu(W [x, x - r_{t-1}])
        v_t^inf = LSTM([v_{t-1}^gen, e_t], v_{t-1}^inf)
        Q(Z_t): mean and log sigma = W v_t^inf

    Both inference and generation:

        s_t     = attention to the words from every place of v_{t-1}^gen
        P(Z_t): mean = W v_{t-1}^gen + s_t,   log sigma = tanh(W v_{t-1}^gen + s_t)
        v_t^gen = LSTM([z_t, r_{t-1}], v_{t-1}^gen, drive s_t)
        c_t     = c_{t-1} + W v_t^gen

    With more than one scale the recurrence, with the same weights, first draws the picture in
    small, then at twice the height and width, up to its full size. A place always stands for
    `side` x `side` pixels, so that the grid grows: places far apart are neighbours in the small
    picture, where latents describe what is large, and a step costs as many products as its scale
    has pixels. The first canvas of a scale is the last of the scale before with every pixel four
    times, and x there is the image averaged over the pixels that become one. Each place begins with
    the state of the place that it was part of, plus a learned one. All this is our choice, as
    the simplest: it needs no weights but the learned states.

    The context s_t has parts of its own for mean, log sigma and gates: an affine map of a weighted
    mean is the weighted mean of affine maps, so words are projected once, and not at every place
    and step. The prior reads the caption from the first step on, so that what the words say need
    not be coded. tanh keeps log sigma where guidance can extrapolate it. Initial states are learned
    for every place, so that places know where they are.

    Args:
        height, width, channels: size of the image; height and width may differ.
        side: pixels along a side of a place.
        scales: number of scales.
        size: k, side of the neighbourhood whose messages a place receives, in places.
        encoder_channels, decoder_channels: channels of the LSTMs.
        message_channels: channels that a place passes on to those around it.
        read_channels: channels of e_t.
        latent_channels: latents of a place at a step.
        align_units: A, width of keys and queries.
        initial_canvas: value of the empty canvas.
        to_image: canvases, in any layout, to images in [0, 1].
        initializer: initializer of the weights.
        head_initializer: initializer of the layers that output canvas, prior and posterior; with
            small values, training begins with an almost empty canvas and a KL near 0.
    """

    def __init__(
        self,
        *,
        height,
        width,
        channels,
        side,
        scales,
        size,
        encoder_channels,
        decoder_channels,
        message_channels,
        read_channels,
        latent_channels,
        align_units,
        initial_canvas,
        initializer,
        head_initializer,
        to_image=tf.sigmoid,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.height, self.width, self.channels = height, width, channels
        self.side, self.pixels = side, side * side * channels
        self.scales = scales
        self.grids = [  # from coarse to fine
            grid_sides(height, width, side * 2**scale) for scale in reversed(range(scales))
        ]
        rows, columns = self.grids[-1]
        self.latent_units = rows * columns * latent_channels
        self.read_channels, self.latent_channels = read_channels, latent_channels
        self.initial_canvas = initial_canvas
        self.to_image = to_image
        dtype = self.dtype_policy

        def lstm(units, name):
            return GridLSTM(units, message_channels, size, initializer, dtype=dtype, name=name)

        def head(filters, name):
            return GridConv(filters, 1, head_initializer, dtype=dtype, name=name)

        self.encoder = lstm(encoder_channels, "encoder")
        self.decoder = lstm(decoder_channels, "decoder")
        self.read = GridConv(read_channels, 1, initializer, dtype=dtype, name="read")
        self.posterior_head = head(2 * latent_channels, "posterior")
        self.prior_head = head(2 * latent_channels, "prior")
        self.write = head(self.pixels, "write")
        self.attention = PlaceAttention(
            align_units,
            2 * latent_channels + 4 * decoder_channels,
            initializer,
            dtype=dtype,
            name="attention",
        )

    def build(self, caption_states_shape):  # noqa: D102
        encoder, decoder, grid = self.encoder, self.decoder, (None, None)
        self.attention.build(caption_states_shape, (None, *grid, decoder.view_units))
        for layer, channels in (
            (encoder, decoder.view_units + self.read_channels),
            (decoder, self.latent_channels + self.pixels),
            (self.read, 2 * self.pixels),
            (self.posterior_head, encoder.view_units),
            (self.prior_head, decoder.view_units),
            (self.write, decoder.view_units),
        ):
            layer.build((None, *grid, channels))
        self.initial = [self._learned_states(scale) for scale in range(self.scales)]

    def initial_state(self, batch: tf.Tensor) -> GridState:
        """The learned state before the first step, with an empty canvas."""
        encoder_h, encoder_c, decoder_h, decoder_c = self._initial(0)
        hidden = [
            tf.tile(one, [batch, 1, 1, 1])
            for one in (
                self.encoder.view(encoder_h),
                encoder_c,
                self.decoder.view(decoder_h),
                decoder_c,
            )
        ]
        empty = tf.constant(self.initial_canvas, self.variable_dtype)
        return GridState(*hidden, tf.fill([batch, *self.grids[0], self.pixels], empty))

    def finer(self, state: GridState, scale: int) -> GridState:
        """The state before the first step of a scale, from that after the scale before.

        Args:
            state: state with the grid of `scale - 1`.
            scale: number of the scale, from 1.
        """
        rows, columns = self.grids[scale]
        encoder_h, encoder_c, decoder_h, decoder_c = (
            enlarged(coarse, 2, rows, columns) + learned
            for coarse, learned in zip(
                (
                    state.encoder_view[..., : self.encoder.units],
                    state.encoder_c,
                    state.decoder_view[..., : self.decoder.units],
                    state.decoder_c,
                ),
                self._initial(scale),
                strict=True,
            )
        )
        side = self.side
        coarse = from_places(state.canvas, side, *(side * n for n in self.grids[scale - 1]))
        canvas = to_places(enlarged(coarse, 2, side * rows, side * columns), side)
        return GridState(
            self.encoder.view(encoder_h),
            encoder_c,
            self.decoder.view(decoder_h),
            decoder_c,
            canvas,
        )

    def pyramid(self, image: tf.Tensor) -> list[tf.Tensor]:
        """Images [B, H, W, C] in the layout of `places` at all scales, from coarse to fine."""
        images = [image]
        for _ in range(self.scales - 1):
            images.append(halved(images[-1]))
        return [to_places(one, self.side) for one in reversed(images)]

    def pictures(self, grids: tf.Tensor, scale: int) -> tf.Tensor:
        """Canvases at a scale, [..., h, w, side * side * C], in full size: [N, H, W, C]."""
        rows, columns = (self.side * n for n in self.grids[scale])
        images = from_places(grids, self.side, rows, columns)
        return enlarged(images, 2 ** (self.scales - 1 - scale), self.height, self.width)

    def infer(
        self, pixels: tf.Tensor, memory: Memory, state: GridState, noise: tf.Tensor
    ) -> tuple[GridState, GridInference]:
        """One step of inference, which reads the image.

        Args:
            pixels: the image in [0, 1] at the scale of the state, from `pyramid`.
            memory: the caption, from the attention's `memorize`.
            state: the state after the previous step.
            noise: [B, Z], standard normal; a coarse scale takes the first numbers only.

        Returns:
            The state after the step, and the distributions. Those of a coarse scale are filled up
            to Z with standard normals, whose KL is 0.
        """
        attended = self._attend(state, memory)
        state = self._encode(pixels, state)
        outputs = self._full_precision(self.posterior_head(state.encoder_view))
        posterior = Gaussian(*map(_flat, tf.split(outputs, 2, axis=-1)))
        state = self._decode(state, attended.drive, _sample(posterior, noise))
        return state, GridInference(*map(self._filled_up, (*posterior, *attended.prior)))

    def generate(
        self, memory: Memory, state: GridState, noise: tf.Tensor, t: tf.Tensor
    ) -> tuple[GridState, GridGeneration]:
        """One step of generation, with the latent from the prior.

        Arguments as for `infer`; t, the number of the step, is unused: `DrawCell` needs it.
        """
        del t
        attended = self._attend(state, memory)
        state = self._decode(state, attended.drive, _sample(attended.prior, noise))
        return state, GridGeneration(state.canvas, tf.reduce_mean(attended.alignment, axis=1))

    def generate_guided(
        self,
        memories: tuple[Memory, Memory],
        states: GuidedState,
        noise: tf.Tensor,
        t: tf.Tensor,
        guidance: tf.Tensor | float,
    ) -> tuple[GuidedState, GridGeneration]:
        """One step of guided generation.

        Mean and log sigma of the prior and the canvas are `guided`; the alignment is that of the
        state that reads the caption.

        Args:
            memories: the caption, and the one to move away from.
            states: their states after the previous step.
            noise, t: as for `generate`.
            guidance: w, [B] or a number.
        """
        del t
        both = [self._attend(*pair) for pair in zip(states, memories, strict=True)]
        parameters = zip(*(attended.prior for attended in both), strict=True)
        latent = _sample(Gaussian(*(guided(*pair, guidance) for pair in parameters)), noise)
        given, other = (
            self._decode(state, attended.drive, latent)
            for state, attended in zip(states, both, strict=True)
        )
        canvas = guided(given.canvas, other.canvas, guidance)
        alignment = tf.reduce_mean(both[0].alignment, axis=1)
        return GuidedState(given, other), GridGeneration(canvas, alignment)

    def _learned_states(self, scale: int) -> list:
        """Weights of h and c of both LSTMs, for every place of a scale."""
        units = (self.encoder.units,) * 2 + (self.decoder.units,) * 2
        names = ("encoder_h", "encoder_c", "decoder_h", "decoder_c")
        suffix = f"_{scale}" if scale else ""
        return [
            self.add_weight(
                shape=(*self.grids[scale], n), initializer="zeros", name=f"initial_{name}{suffix}"
            )
            for name, n in zip(names, units, strict=True)
        ]

    def _initial(self, scale: int) -> list[tf.Tensor]:
        """The learned states of a scale, each [1, h, w, U]."""
        return [tf.cast(w.value, self.compute_dtype)[None] for w in self.initial[scale]]

    def _filled_up(self, parameter: tf.Tensor) -> tf.Tensor:
        """A mean or log sigma of a scale's latents, with zeros up to Z."""
        beyond = self.latent_units - parameter.shape[-1]
        return tf.pad(parameter, [[0, 0], [0, beyond]]) if beyond else parameter

    def _full_precision(self, x: tf.Tensor) -> tf.Tensor:
        """Canvas and distributions are computed in the precision of the weights."""
        return tf.cast(x, self.variable_dtype)

    def _attend(self, state: GridState, memory: Memory) -> Attended:
        context, alignment = self.attention(memory, state.decoder_view)
        of_prior, drive = tf.split(
            context, [2 * self.latent_channels, 4 * self.decoder.units], axis=-1
        )
        outputs = self._full_precision(self.prior_head(state.decoder_view) + of_prior)
        mean, log_sigma = map(_flat, tf.split(outputs, 2, axis=-1))
        return Attended(drive, Gaussian(mean, tf.tanh(log_sigma)), alignment)

    def _encode(self, pixels: tf.Tensor, state: GridState) -> GridState:
        both = tf.concat([pixels, pixels - self.to_image(state.canvas)], axis=-1)
        features = tf.nn.relu(self.read(tf.cast(both, self.compute_dtype)))
        inputs = tf.concat([state.decoder_view, features], axis=-1)
        view, c = self.encoder(inputs, state.encoder_view, state.encoder_c)
        return state._replace(encoder_view=view, encoder_c=c)

    def _decode(self, state: GridState, drive: tf.Tensor, latent: tf.Tensor) -> GridState:
        grid = state.canvas.shape[1:3]
        latent = tf.reshape(latent, [-1, *grid, self.latent_channels])
        inputs = tf.concat([latent, self.to_image(state.canvas)], axis=-1)
        view, c = self.decoder(
            tf.cast(inputs, self.compute_dtype), state.decoder_view, state.decoder_c, drive
        )
        canvas = state.canvas + self._full_precision(self.write(view))
        return state._replace(decoder_view=view, decoder_c=c, canvas=canvas)


def _sample(latents: Gaussian, noise: tf.Tensor) -> tf.Tensor:
    """A sample from as much of the noise [B, Z] as there are latents."""
    return latents.sample(noise[:, : latents.mean.shape[-1]])


def _flat(grid: tf.Tensor) -> tf.Tensor:
    """Grids [B, h, w, F] as vectors [B, h * w * F]."""
    height, width, filters = grid.shape[1:]
    return tf.reshape(grid, [-1, height * width * filters])
