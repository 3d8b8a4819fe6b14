"""`python -m pipelines COMMAND`: parses the flags into options, and runs the command.

TensorFlow is imported only after the arguments are parsed, so that help and usage errors come at
once.
"""

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Union

import tyro
from rich.console import Console
from tyro.conf import subcommand

from pipelines.options import (
    Benchmark,
    Caption,
    Compare,
    Demo,
    Evaluate,
    Gallery,
    Generate,
    Prepare,
    Scenes,
    Sharpness,
    Study,
    Train,
)
from pipelines.training.schedule import BUDGETS, without_other_budgets
from t2i_tf.errors import UserError
from t2i_tf.import_tensorflow import import_tensorflow
from t2i_tf.number_ranges import SEED, TRAINING_SEED, check_numbers
from t2i_tf.presets import preset

COMMANDS = {
    "demo": Demo,
    "scenes": Scenes,
    "prepare": Prepare,
    "train": Train,
    "generate": Generate,
    "caption": Caption,
    "gallery": Gallery,
    "sharpness": Sharpness,
    "evaluate": Evaluate,
    "study": Study,
    "compare": Compare,
    "benchmark": Benchmark,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 for a failure, 2 for wrong usage."""
    _replace_unprintable()
    try:
        options = parse(list(sys.argv[1:] if argv is None else argv))
        _check_numbers(options)
        import_tensorflow()
        from pipelines import commands

        code = commands.run(options)
        sys.stdout.flush()
        return code
    except UserError as error:
        _print_error(str(error))
        return error.exit_code
    except BrokenPipeError:  # in `... | head`, once head has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes stdout at exit
        return 1
    except OSError as error:  # a full disk, a place without permission: outside the program
        if error.filename is None and error.strerror is None:
            raise
        where = "The output" if error.filename is None else os.fsdecode(error.filename)
        _print_error(f"{where} cannot be read or written: {error.strerror}.")
        if error.filename is None:  # may be stdout, which Python flushes at exit
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _replace_unprintable() -> None:
    """Let stdout and stderr replace the characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _print_error(message: str) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("[red]Error:[/red]", end=" ")
    console.print(message, markup=False)


def _check_numbers(options) -> None:
    """Refuse numbers out of range. `prepare` and `scenes` check theirs themselves."""
    if not isinstance(options, Prepare | Scenes):
        trains = isinstance(options, Train | Compare)
        check_numbers(options, seeds=TRAINING_SEED if trains else SEED)


def parse(argv: list[str]):
    """The options of a command line.

    Raises:
        SystemExit: with code 2 for wrong usage, with 0 after `--help`.
    """
    choices = tuple(
        Annotated[command, subcommand(name, **_defaults(name, argv))]
        for name, command in COMMANDS.items()
    )
    return tyro.cli(
        Union[choices],  # noqa: UP007, built from a tuple
        prog="python -m pipelines",
        description="Words in, a picture drawn step by step out. Start with `demo`.",
        args=argv or ["--help"],
    )


def _defaults(name: str, argv: list[str]) -> dict:
    """Default options: those of `train` are its preset's, so `--preset` is parsed before the rest.

    A budget among the flags replaces the budget of the preset.
    """
    if name != "train":
        return {}
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset", default=Train.preset)
    for budget in BUDGETS:
        parser.add_argument(f"--{budget}", nargs="?")
    typed = parser.parse_known_args(argv if argv[:1] == [name] else [])[0]
    budgets = [budget for budget in BUDGETS if getattr(typed, budget) not in (None, "None")]
    config = without_other_budgets(preset(typed.preset).config, budgets)
    return {"default": Train(tyro.MISSING, tyro.MISSING, typed.preset, config=config)}
