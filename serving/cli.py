"""`python -m serving COMMAND`: parses the flags and calls the command.

The commands are imported after the arguments are parsed, so that help and usage errors come at
once.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Union

import tyro
from tyro.conf import subcommand

from serving import options
from serving.command_words import empty_value, with_home
from serving.errors import RequestError, ServingError
from serving.standard_streams import output_failed, print_error, usable_streams
from serving.typed_form import as_typed, type_as

PROG = "python -m serving"
MAY_BE_EMPTY = {"--instead-of"}  # the empty caption
COMMANDS = {
    "demo": options.Demo,
    "export": options.Export,
    "check": options.Check,
    "serve": options.Serve,
    "query": options.Query,
    "retrieve": options.Retrieve,
    "web": options.Web,
    "bench": options.Bench,
}
"""Name -> its options. The function of the same name in `serving.commands` takes them."""


def main(
    argv: Sequence[str] | None = None,
    prog: str | None = None,
    retyped: Callable[[str], str] | None = None,
) -> int:
    """Run one command; returns 0 on success, 1 for a failure, 2 for wrong usage.

    Args:
        argv: The command and its flags; those of the process if None.
        prog: What people type for the command, for the help; its name after `python -m serving` if
            None.
        retyped: Puts the commands in a hint or an error into the form that people type; None leaves
            `python -m serving`.
    """
    type_as(retyped)
    # gRPC's C core would log what a ServingError already says in plain words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    argv = with_home(sys.argv[1:] if argv is None else argv)
    try:
        with usable_streams():
            return _run(argv, prog)
    except ServingError as error:
        print_error(as_typed(str(error)))
        return error.exit_code
    except OSError as error:
        return output_failed(error)
    except KeyboardInterrupt:
        return 130


def _run(argv: list[str], prog: str | None) -> int:
    name, *arguments = argv or ["--help"]
    prog = prog or f"{PROG} {name}"
    if name == "serve":  # has TensorFlow Serving's flags, which no dataclass describes
        from serving.server.serve import main as serve

        return serve(arguments, prog=prog)
    if complaint := empty_value(arguments, allowed=MAY_BE_EMPTY):
        raise RequestError(complaint)
    if name not in COMMANDS:
        _parse_all([name, *arguments])
        return 0
    flags = tyro.cli(COMMANDS[name], prog=prog, args=arguments)
    from serving import commands

    getattr(commands, name)(flags)
    return 0


def _parse_all(argv: list[str]) -> None:
    """Lets tyro show all commands, or refuse one that there is not; exits."""
    choices = tuple(Annotated[kind, subcommand(name)] for name, kind in COMMANDS.items())
    tyro.cli(
        Union[choices],  # noqa: UP007, the tuple is only known here
        prog=PROG,
        description="Export a trained model, serve it, and draw captions with it.",
        args=argv,
    )
