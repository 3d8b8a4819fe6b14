"""A recurrence over a fixed number of steps, as one `tf.while_loop`."""

from collections.abc import Callable
from typing import TypeVar

import keras
import tensorflow as tf

State = TypeVar("State", bound=tuple)  # NamedTuples of tensors
Outputs = TypeVar("Outputs", bound=tuple)


def weights_read_once(layer: keras.layers.Layer) -> keras.StatelessScope:
    """A scope in which each weight of a layer is read once, where the scope is opened.

    A weight that is read inside a loop is an intermediate result of every step, of which the
    gradient keeps T copies. Read before the loop, it is kept once.
    """
    return keras.StatelessScope([(w, tf.convert_to_tensor(w.value)) for w in layer.weights])


def unroll(
    step: Callable[[State, tf.Tensor, tf.Tensor], tuple[State, Outputs]],
    state: State,
    inputs: tf.Tensor,
    output_type: type[Outputs],
) -> tuple[State, Outputs]:
    """Run `step(state, input_t, t) -> (state, outputs_t)` for t = 0 .. T - 1.

    A `TensorArray` feeds the inputs, as the gradient of `inputs[t]` would write a whole tensor of
    zeros at every step. Under XLA the inputs need a static T, the number of iterations that the
    gradient of the loop has to know.

    Args:
        step: a pure function that keeps the shapes of the state.
        state: the initial state, a NamedTuple.
        inputs: [T, ...].
        output_type: NamedTuple class of what `step` returns beside the state, in the inputs' dtype.

    Returns:
        The last state, and the outputs of all steps, each [T, ...].
    """
    steps = tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
    feed = tf.TensorArray(inputs.dtype, size=steps).unstack(inputs)
    stacks = [tf.TensorArray(inputs.dtype, size=steps) for _ in output_type._fields]

    def body(t, state, stacks):
        state, outputs = step(state, feed.read(t), t)
        return (
            t + 1,
            state,
            [stack.write(t, out) for stack, out in zip(stacks, outputs, strict=True)],
        )

    _, state, stacks = tf.while_loop(
        lambda t, *_: t < steps, body, (tf.constant(0), state, stacks), maximum_iterations=steps
    )
    return state, output_type(*(stack.stack() for stack in stacks))
