"""`python -m serving COMMAND`: flags to options, options to the function that does the work.

What a command needs is imported after the arguments are parsed, so that help and usage errors come
at once.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Union

import tyro
from rich.console import Console
from tyro.conf import subcommand

from serving import options
from serving.errors import ServingError

COMMANDS = {
    "demo": (options.Demo, "serving.tools.demo:demo"),
    "export": (options.Export, "serving.commands:export"),
    "check": (options.Check, "serving.commands:check"),
    "serve": (options.Serve, "serving.server.serve:main"),
    "query": (options.Query, "serving.tools.query:query"),
    "retrieve": (options.Retrieve, "serving.tools.rank_images:retrieve"),
    "web": (options.Web, "serving.web.command:web"),
    "bench": (options.Bench, "serving.tools.bench:bench"),
}
"""Name -> its options, and the function that takes them and returns the exit code or None."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its work, 1 for a failure, 2 for wrong usage."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a ServingError says it in better words
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        if argv[:1] == ["serve"]:  # has TensorFlow Serving's flags, not made from a dataclass
            return _function("serve")(argv[1:])
        name, chosen = _parse(argv)
        return _function(name)(chosen) or 0
    except ServingError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print("[red]Error:[/red]", end=" ")
        console.print(str(error), markup=False)
        return error.exit_code
    except BrokenPipeError:  # the `head` of `... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python itself would complain as it ends
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(argv: list[str]):
    """The command of a command line and its options; leaves with 2 on wrong usage."""
    choices = tuple(Annotated[kind, subcommand(name)] for name, (kind, _) in COMMANDS.items())
    chosen = tyro.cli(
        Union[choices],  # noqa: UP007, the tuple is only known here
        prog="python -m serving",
        description="Sentences to a served model, pictures back.",
        args=argv or ["--help"],
    )
    return next(name for name, (kind, _) in COMMANDS.items() if type(chosen) is kind), chosen


def _function(name: str):
    module, _, function = COMMANDS[name][1].partition(":")
    return getattr(importlib.import_module(module), function)
