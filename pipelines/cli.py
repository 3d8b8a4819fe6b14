"""`python -m pipelines COMMAND`: flags to options, options to the function that does the work.

TensorFlow is imported after the arguments are parsed, so that help and usage errors come at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Union

import tyro
from rich.console import Console
from tyro.conf import subcommand

from pipelines import options
from pipelines.training.schedule import BUDGETS, without_other_budgets
from t2i_tf.errors import UserError
from t2i_tf.import_tensorflow import import_tensorflow
from t2i_tf.presets import preset

COMMANDS = {
    "demo": options.Demo,
    "scenes": options.Scenes,
    "prepare": options.Prepare,
    "train": options.Train,
    "generate": options.Generate,
    "caption": options.Caption,
    "gallery": options.Gallery,
    "sharpness": options.Sharpness,
    "evaluate": options.Evaluate,
    "study": options.Study,
    "compare": options.Compare,
    "benchmark": options.Benchmark,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its work, 1 for a failure, 2 for wrong usage."""
    try:
        chosen = parse(list(sys.argv[1:] if argv is None else argv))
        import_tensorflow()
        from pipelines import commands

        return commands.run(chosen)
    except UserError as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print("[red]Error:[/red]", end=" ")
        console.print(str(error), markup=False)
        return error.exit_code
    except BrokenPipeError:  # the `head` of `... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python itself would complain as it ends
        return 1
    except KeyboardInterrupt:
        return 130


def parse(argv: list[str]):
    """The options of a command line; leaves with 2 on wrong usage and 0 after `--help`."""
    choices = tuple(
        Annotated[command, subcommand(name, **_defaults(name, argv))]
        for name, command in COMMANDS.items()
    )
    return tyro.cli(
        Union[choices],  # noqa: UP007, the tuple is only known here
        prog="python -m pipelines",
        description="Words in, a picture drawn step by step out. Begin with `demo`.",
        args=argv or ["--help"],
    )


def _defaults(name: str, argv: list[str]) -> dict:
    """The preset is read first: the flags of `train` have its values as defaults.

    A budget among the flags replaces that of the preset.
    """
    if name != "train":
        return {}
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset", default=options.Train.preset)
    for budget in BUDGETS:
        parser.add_argument(f"--{budget}", nargs="?")
    typed = parser.parse_known_args(argv if argv[:1] == [name] else [])[0]
    named = [budget for budget in BUDGETS if getattr(typed, budget) not in (None, "None")]
    config = without_other_budgets(preset(typed.preset).config, named)
    return {"default": options.Train(tyro.MISSING, tyro.MISSING, typed.preset, config=config)}
