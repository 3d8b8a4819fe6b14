"""`t2i COMMAND`: the commands of `python -m pipelines` and `python -m serving` under one name.

What a command needs is imported once it is known, so that help comes at once.
"""

import importlib
import importlib.metadata
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple, Union

import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import subcommand

from pipelines.standard_streams import output_failed, print_error, usable_streams
from t2i_tf.errors import did_you_mean


class Command(NamedTuple):
    """A command of one of the packages, which may have another name there."""

    package: str
    name: str


def _commands(package: str, *names: str, **renamed: str) -> dict[str, Command]:
    return {name: Command(package, name) for name in names} | {
        name.replace("_", "-"): Command(package, original) for name, original in renamed.items()
    }


GROUPS = {
    "Start here": _commands("pipelines", "demo"),
    "Pictures from captions, and back": _commands(
        "pipelines", "caption", "gallery", draw="generate"
    ),
    "Data": _commands("pipelines", "prepare", "scenes"),
    "Training": _commands("pipelines", "train", "compare", "cluster", "benchmark"),
    "Measurements": _commands("pipelines", "evaluate", "study", "sharpness"),
    "Share": _commands("pipelines", "push", "import-weights"),
    "Serving": _commands(
        "serving", "export", "check", "serve", "web", "bench", serving_demo="demo"
    ),
    "A server's clients": _commands("serving", "query", "retrieve"),
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 for a failure, 2 for wrong usage."""
    argv = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        with usable_streams():
            if not argv[0].startswith("-"):
                return _run(*argv)
            if argv[0] in ("-h", "--help"):
                _print_help()
            elif argv[0] in ("-V", "--version"):
                print(f"t2i {importlib.metadata.version('t2i-tf')}")
            else:  # --tyro-print-completion bash, for one
                _parse_all(argv)
            return 0
    except OSError as error:
        return output_failed(error)
    except KeyboardInterrupt:  # during the imports
        return 130


def _run(name: str, *arguments: str) -> int:
    command = COMMANDS.get(name, Command("pipelines", name))
    package = importlib.import_module(f"{command.package}.cli")
    if command.name not in package.COMMANDS:
        print_error(f"t2i has no command {name!r}. {did_you_mean(name, COMMANDS)}")
        return 2
    return package.main([command.name, *arguments], prog=f"t2i {name}", retyped=retyped)


def retyped(text: str) -> str:
    """The text with the commands of `python -m` as those of `t2i`.

    >>> retyped("Next: python -m pipelines generate --workdir runs/a")
    'Next: t2i draw --workdir runs/a'
    """
    names = {command: name for name, command in COMMANDS.items()}

    def short(match: re.Match[str]) -> str:
        name = names.get(Command(match[1], match[2]))
        return match[0] if name is None else f"t2i {name}"

    return re.sub(r"python -m (pipelines|serving) ([\w-]+)", short, text)


def _print_help() -> None:
    console = Console(highlight=False)
    console.print("usage: t2i COMMAND [OPTIONS]\n\nWords in, a picture drawn step by step out.")
    for title, group in GROUPS.items():
        table = Table.grid(padding=(0, 2))
        table.add_column(width=max(map(len, COMMANDS)))
        table.add_column()
        for name, options in _options_of(group):
            table.add_row(name, (inspect.getdoc(options) or "").partition("\n")[0])
        console.print(f"\n[bold]{title}[/bold]", table, sep="\n")
    console.print(
        "\n`t2i COMMAND --help` explains a command, `t2i --version` prints the version, and"
        "\n`t2i --tyro-print-completion bash` (or zsh, tcsh) prints a completion for your shell."
    )


def _options_of(group: dict[str, Command]) -> Iterator[tuple[str, type]]:
    """The names of commands and the classes of their options."""
    for name, command in group.items():
        yield name, importlib.import_module(f"{command.package}.cli").COMMANDS[command.name]


def _parse_all(argv: list[str]) -> None:
    """Lets tyro act on flags of its own, which concern all commands."""
    choices = tuple(Annotated[kind, subcommand(name)] for name, kind in _options_of(COMMANDS))
    tyro.cli(Union[choices], prog="t2i", args=argv)  # noqa: UP007, the tuple is only known here
