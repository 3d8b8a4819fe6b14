"""The errors of this package, in plain sentences. Standard library only."""


class ServingError(Exception):
    """A server, a file or the machine failed. Commands exit with 1.

    Args:
        text: What happened, and what to do.
        status: Name of the gRPC status behind it, or "".
    """

    exit_code = 1

    def __init__(self, text: str, status: str = ""):
        super().__init__(text)
        self.status = status


class RequestError(ServingError):
    """A request or command has wrong arguments. Commands exit with 2."""

    exit_code = 2
