"""The server's log: one line an event, on stderr."""

import logging


class _OneLine(logging.Formatter):
    """A record is one line, whatever it holds: an exception is named and its traceback left out."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\\n")

    def formatException(self, ei) -> str:
        return f"{ei[0].__name__}: {ei[1]}"


def configure() -> None:
    """Send every logger of the process there."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname).1s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("tensorflow", "absl", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
