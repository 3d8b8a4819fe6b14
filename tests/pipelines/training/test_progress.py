from types import SimpleNamespace

import pytest
import tensorflow as tf

from pipelines.training.progress import TrainingProgress


def line_of(logs):
    """The line that is printed after an interval with these values."""
    lines = []
    bar = SimpleNamespace(print=lines.append)
    progress = TrainingProgress(bar, SimpleNamespace(progress=0.5), SimpleNamespace(elapsed=12.0))
    optimizer = SimpleNamespace(iterations=tf.constant(500))
    progress.set_model(SimpleNamespace(optimizer=optimizer, headline=("loss", "kl"), unit="nats"))
    progress.on_epoch_end(0, logs)
    return lines[0]


@pytest.mark.parametrize("bits", [{}, {"bits_per_dim": 5.25, "val_bits_per_dim": 5.5}])
def test_a_line_after_each_interval_has_bits_where_the_model_has_them(bits):
    line = line_of({"loss": 1817.04, "kl": 38.5, "val_loss": 1820.0, "seconds": 3.0} | bits)
    expected = "step    500    12 s, nats: loss 1817  kl 38.5  val_loss 1820"
    if bits:
        expected += ", bits: bits_per_dim 5.25  val_bits_per_dim 5.5"
    assert line == expected
