"""The server's log: one line per event, on stderr."""

import logging


class _OneLine(logging.Formatter):
    """Writes every record on one line; of an exception, its name and text without the traceback.

    A client's text can hold line breaks, with which it could forge lines of the log.
    """

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\\n")

    def formatException(self, ei) -> str:
        return f"{ei[0].__name__}: {ei[1]}"


def configure() -> None:
    """Make every logger of the process write there."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname).1s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("tensorflow", "absl", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
