"""An LSTM at every place of a grid, with the same weights everywhere."""

import keras
import tensorflow as tf

from t2i_tf.layers.conv_draw.grid_conv import GridConv


class GridLSTM(keras.layers.Layer):
    """An LSTM that sees its own state and what the places around it pass on.

        v_t = [h_t, M * h_t]                                         the view of a place
        i, f, g, o = W [v_{t-1}, inputs] + drive + b
        c_t = S(f) c_{t-1} + S(i) tanh(g),   h_t = S(o) tanh(c_t)

    M * is a convolution to few channels, and W acts at each place alone: a convolution of full rank
    from h to four gates, as in ConvLSTM, would cost three times as much. The view serves whatever
    else reads the state, so that it sees the neighbours too.

    Args:
        units: channels of h and c.
        message_units: channels of M * h.
        size: k, places along a side of the neighbourhood of M.
        initializer: initializer of the kernels; the forget gate begins with a bias of 1.
    """

    def __init__(self, units, message_units, size, initializer, **kwargs):
        super().__init__(**kwargs)
        self.units, self.view_units = units, units + message_units
        self.message = GridConv(
            message_units, size, initializer, None, dtype=self.dtype_policy, name="message"
        )
        self.gates = GridConv(
            4 * units, 1, initializer, _remembering, dtype=self.dtype_policy, name="gates"
        )

    def build(self, inputs_shape):  # noqa: D102
        *grid, channels = inputs_shape
        self.message.build((*grid, self.units))
        self.gates.build((*grid, self.view_units + channels))

    def view(self, h: tf.Tensor) -> tf.Tensor:
        """States [B, h, w, units] as places see them, [B, h, w, view_units]."""
        return tf.concat([h, self.message(h)], axis=-1)

    def call(
        self, inputs: tf.Tensor, view: tf.Tensor, c: tf.Tensor, drive: tf.Tensor | float = 0.0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One step.

        Args:
            inputs: [B, h, w, C].
            view: v_{t-1}, [B, h, w, view_units].
            c: c_{t-1}, [B, h, w, units].
            drive: added to the gates before their nonlinearities, [B, h, w, 4 * units].

        Returns:
            v_t and c_t.
        """
        gates = self.gates(tf.concat([view, inputs], axis=-1)) + drive
        i, f, g, o = tf.split(gates, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return self.view(tf.sigmoid(o) * tf.tanh(c)), c


def _remembering(shape, dtype=None) -> tf.Tensor:
    """Zeros, but 1 for the forget gate: an LSTM that remembers at first."""
    units = shape[0] // 4
    return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype), units)
