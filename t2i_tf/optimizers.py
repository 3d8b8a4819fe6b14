"""The optimizers of the config, as Keras has them."""

import keras

from t2i_tf.config import OptimizerConfig


def build_optimizer(config: OptimizerConfig) -> keras.optimizers.Optimizer:
    """RMSProp as the authors set it, or Adam; gradients clipped by the norm of each tensor."""
    common = {
        "name": config.name,  # or Keras numbers them, and with them the variables in checkpoints
        "learning_rate": config.learning_rate,
        "clipnorm": config.clip_norm,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema,
    }
    if config.name == "adam":
        return keras.optimizers.Adam(beta_1=config.beta_1, **common)
    return keras.optimizers.RMSprop(rho=0.9, epsilon=1e-6, **common)
