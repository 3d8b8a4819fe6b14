"""What the seed of a measurement has to be."""

from t2i_tf.errors import UsageError


def check_seed(seed: int) -> None:
    """Refuse a seed that the noise cannot come from.

    Raises:
        UsageError: it is below 0.
    """
    if seed < 0:
        raise UsageError(f"Expected a seed of 0 or more, got {seed}.")
