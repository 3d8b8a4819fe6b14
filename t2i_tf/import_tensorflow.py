"""Import TensorFlow without its start-up messages, which are of no use to a user."""

import contextlib
import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow silently; its messages are shown only if the import fails.

    Its libraries write to stderr before they read any log level, so stderr itself is redirected.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
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
def _stderr_to(target: int):
    sys.stderr.flush()
    kept = os.dup(2)
    os.dup2(target, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
