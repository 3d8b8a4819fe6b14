"""Errors in words a person understands. Standard library only."""


class ServingError(Exception):
    """What a server, a file or a machine did not do. Commands exit with 1.

    `status` is the name of the gRPC status behind it, or "" where there is none.
    """

    exit_code = 1

    def __init__(self, text: str, status: str = ""):
        super().__init__(text)
        self.status = status


class RequestError(ServingError):
    """A request or command that was put wrongly, and was not sent. Commands exit with 2."""

    exit_code = 2
