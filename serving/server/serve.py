"""The command `serve`: `python -m serving serve --model-base-path models/t2i`."""

import os
import signal
import sys
import threading
from collections.abc import Sequence

from serving.server.config.flags import PROG, parse


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Serve until SIGTERM or SIGINT. A second signal ends the process at once.

    Args:
        argv: Flags; those of the process if None.
        prog: What people type before the flags, for the help.

    Returns:
        0, or 1 where the server could not start.
    """
    flags = parse(argv, prog)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported
    from serving.server.config import log_setup
    from serving.server.config.text_proto import ConfigError

    log_setup.configure()
    stop = threading.Event()
    # Before the slow import of TensorFlow: a signal during start-up stops the server in good order.
    _stop_on_signal(stop)
    try:
        from serving.server.server import run

        run(flags, stop)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _stop_on_signal(stop: threading.Event) -> None:
    def handle(number, frame) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
