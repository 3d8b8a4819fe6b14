"""Keras optimizers from their config."""

import keras

from t2i_tf.config import OptimizerConfig


def build_optimizer(config: OptimizerConfig) -> keras.optimizers.Optimizer:
    """RMSProp with the authors' settings, or Adam; each tensor's gradient is clipped by norm."""
    common = {
        "name": config.name,  # else Keras numbers them, and variable names in checkpoints change
        "learning_rate": config.learning_rate,
        "clipnorm": config.clip_norm,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema,
    }
    if config.name == "adam":
        return keras.optimizers.Adam(beta_1=config.beta_1, **common)
    return keras.optimizers.RMSprop(rho=0.9, epsilon=1e-6, **common)
