"""Import TensorFlow without its start-up messages, which tell a user nothing."""

import contextlib
import os
import sys
import tempfile


def import_tensorflow() -> None:
    """Import TensorFlow silently; what it wrote to stderr is shown if the import fails.

    Its libraries write before any log level is read, so stderr itself is turned away meanwhile.
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
