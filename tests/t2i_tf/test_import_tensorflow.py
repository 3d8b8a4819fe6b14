"""The lean import of TensorFlow, each in a process of its own."""

import subprocess
import sys

PROBE = """
import gc, sys
from t2i_tf.import_tensorflow import import_tensorflow
{before}
import_tensorflow(lean=True)
import keras
print(*("sklearn" in sys.modules, "matplotlib" in sys.modules, gc.get_freeze_count() > 100_000))
import matplotlib, sklearn.datasets
print(gc.isenabled(), hasattr(keras, "Model"))
"""


def probe(before: str = "") -> list[str]:
    code = PROBE.format(before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_lean_leaves_out_what_keras_would_import_but_it_stays_importable():
    assert probe() == ["False False True", "True True"]


def test_what_is_imported_already_stays_as_it_is():
    assert probe(before="import matplotlib") == ["False True True", "True True"]
