import numpy as np
import pytest
import tensorflow as tf

from pipelines import commands
from pipelines.cli import main

TOO_LARGE = 2**48  # elements: a million gigabytes


@pytest.mark.parametrize(
    ("asks", "asked"),
    [
        (lambda: np.empty(TOO_LARGE), "unable to allocate 2.00 PiB"),
        (lambda: tf.zeros([TOO_LARGE]), f"shape[{TOO_LARGE}] and type float"),
    ],
    ids=["NumPy", "TensorFlow"],
)
def test_a_command_that_runs_out_of_memory_ends_in_one_sentence(monkeypatch, capsys, asks, asked):
    monkeypatch.setattr(commands, "run", lambda options: asks())
    assert main(["generate", "a dog"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: There is not enough memory")
    assert asked in error
    assert "--batch-size" in error


def test_other_failures_keep_their_traceback(monkeypatch):
    def fail(options):
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(commands, "run", fail)
    with pytest.raises(RuntimeError, match="a fault of the program"):
        main(["generate", "a dog"])
