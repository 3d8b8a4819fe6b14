"""Import TensorFlow without its start-up messages, which are of no use to a user."""

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Sequence

# Keras imports these, where they are installed, for wrappers and galleries that nothing here uses.
_UNUSED = ("sklearn", "matplotlib")


def import_tensorflow(lean: bool = False) -> None:
    """Import TensorFlow silently; its messages are shown only if the import fails.

    Its libraries write to stderr before they read any log level, so stderr itself is redirected.

    Args:
        lean: Whether the process runs one command of ours and nothing else. Then the import takes
            1.5 s less: Keras does without scikit-learn and Matplotlib, which stay importable,
            and the garbage collector leaves what was imported alone, now and later.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    lean = lean and "tensorflow" not in sys.modules
    with contextlib.ExitStack() as stack:
        if lean:
            stack.enter_context(_hidden(_UNUSED))
            stack.enter_context(_never_collected())
        _import_silently()


def _import_silently() -> None:
    with tempfile.TemporaryFile() as messages:
        try:
            with _stderr_to(messages.fileno()):
                import tensorflow as tf
        except BaseException:
            messages.seek(0)
            sys.stderr.buffer.write(messages.read())
            raise
    tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _hidden(packages: Sequence[str]):
    """Lets the import of packages fail inside the block, unless they are imported already."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # None: ModuleNotFoundError
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def _never_collected():
    """Takes all objects that exist at the end of the block out of garbage collection."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _stderr_to(target: int):
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(target, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
