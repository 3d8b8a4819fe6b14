"""Keras optimizers from their config, and the steps that they have taken."""

import keras

from t2i_tf.config import OptimizerConfig

_NO_KERNEL = "^(?!.*kernel)"  # matches the names of all weights but `kernel`, `recurrent_kernel`


def build_optimizer(config: OptimizerConfig) -> keras.optimizers.Optimizer:
    """RMSProp with the authors' settings, or Adam; each tensor's gradient is clipped by norm.

    Weight decay acts on kernels alone: biases, initial states, word embeddings and the scales of a
    likelihood keep their values.
    """
    common = {
        "name": config.name,  # else Keras numbers them, and variable names in checkpoints change
        "learning_rate": config.learning_rate,
        "clipnorm": config.clip_norm,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema,
    }
    if config.weight_decay > 0:
        common["weight_decay"] = config.weight_decay
    if config.name == "adam":
        optimizer = keras.optimizers.Adam(beta_1=config.beta_1, **common)
    else:
        optimizer = keras.optimizers.RMSprop(rho=0.9, epsilon=1e-6, **common)
    if config.weight_decay > 0:
        optimizer.exclude_from_weight_decay(var_names=[_NO_KERNEL])
    return optimizer


def steps_taken(model: keras.Model) -> int:
    """The training steps that a compiled model has taken, those before a resume included."""
    return int(model.optimizer.iterations.numpy())
