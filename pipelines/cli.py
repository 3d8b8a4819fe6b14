"""`python -m pipelines COMMAND`: parses the flags into options, and runs the command.

TensorFlow is imported only after the arguments are parsed, so that help and usage errors come at
once.
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Union

import tyro
from tyro.conf import subcommand

from pipelines.command_words import empty_value, with_home
from pipelines.memory_errors import is_out_of_memory, memory_in_words
from pipelines.options import (
    Benchmark,
    Caption,
    Cluster,
    Compare,
    Demo,
    Evaluate,
    Gallery,
    Generate,
    ImportWeights,
    Prepare,
    Push,
    Scenes,
    Sharpness,
    Study,
    Train,
)
from pipelines.standard_streams import output_failed, print_error, usable_streams
from pipelines.training.schedule import BUDGETS, without_other_budgets
from pipelines.training.workers.membership import find_membership
from pipelines.typed_form import SHORT_FLAGS, as_typed, type_as
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UsageError, UserError
from t2i_tf.import_tensorflow import import_tensorflow
from t2i_tf.number_ranges import SEED, TRAINING_SEED, check_numbers
from t2i_tf.presets import preset

COMPONENTS = "--model.components"
MAY_BE_EMPTY = {"--instead-of"}  # the empty caption
UNCHOSEN = "align-draw-photos"  # whose settings `train --help` shows
PROG = "python -m pipelines"
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
    "cluster": Cluster,
    "push": Push,
    "import-weights": ImportWeights,
    "benchmark": Benchmark,
}


def main(
    argv: Sequence[str] | None = None,
    prog: str | None = None,
    retyped: Callable[[str], str] | None = None,
) -> int:
    """Run one command; returns 0 for success, 1 for a failure, 2 for wrong usage.

    Args:
        argv: The command and its flags; those of the process if None.
        prog: What people type for the command, for the help; its name after `python -m pipelines`
            if None.
        retyped: Puts the commands in a hint or an error into the form that people type; None leaves
            `python -m pipelines`.
    """
    type_as(retyped)
    try:
        with usable_streams():
            return _run(with_home(sys.argv[1:] if argv is None else argv), prog)
    except UserError as error:
        print_error(as_typed(str(error)))
        return error.exit_code
    except OSError as error:  # a full disk, a place without permission: outside the program
        return output_failed(error)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print_error(memory_in_words(error))
        return 1


def _run(arguments: list[str], prog: str | None) -> int:
    if complaint := empty_value(arguments[1:], allowed=MAY_BE_EMPTY):
        raise UsageError(complaint)
    options = parse(arguments, prog=prog)
    _check_numbers(options)
    import_tensorflow(lean=True)
    from pipelines import commands

    if isinstance(options, Train) and options.preset is None:
        options = _chosen_by_data(options, arguments, prog)
    return commands.run(options)


def _check_numbers(options) -> None:
    """Refuse numbers out of range."""
    if isinstance(options, Cluster):
        _check_numbers(options.command)
        options = dataclasses.replace(options, command=None)
    trains = isinstance(options, Train | Compare)
    check_numbers(options, seeds=TRAINING_SEED if trains else SEED)


def _chosen_by_data(options: Train, argv: list[str], prog: str | None) -> Train:
    """The options of a training without a preset, with defaults that suit its data."""
    from pipelines.preset_choice.starting_point import starting_point

    if find_membership(os.environ):
        raise UsageError(
            "TF_CONFIG or Slurm name several workers. Give --preset, so that all of them train the"
            " same."
        )
    budget = not _named_budgets(argv)
    start = starting_point(options.data, options.workdir, budget=budget, init=options.init)
    chosen = parse(argv, (start.preset, start.config), prog)
    _check_numbers(chosen)
    for line in start.lines:
        print(line)
    return chosen


def parse(argv: list[str], chosen: tuple[str, TrainConfig] | None = None, prog: str | None = None):
    """The options of a command line.

    Args:
        argv: Words of the command line.
        chosen: Preset and settings that are the defaults of a training without `--preset`. As long
            as there are none, its model is not known: flags that alignDRAW lacks are not parsed.
        prog: As for `main`.

    Raises:
        SystemExit: with code 2 for wrong usage, with 0 after `--help`.
    """
    name, *arguments = argv or ["--help"]
    if name not in COMMANDS:
        return _parse_all([name, *arguments])
    prog = prog or f"{PROG} {name}"
    if name == "cluster":
        return _parse_cluster(arguments, prog)
    if name != "train":
        return tyro.cli(COMMANDS[name], prog=prog, args=arguments)
    arguments = [_full_flag(word) for word in arguments]
    default = _training(arguments, chosen)
    if chosen is None and default.preset is None:  # which model it is, is not known yet
        arguments = _without_flags_of_other_models(arguments, default.config)
        return tyro.cli(Train, prog=prog, args=arguments, default=default)
    options = tyro.cli(Train, prog=prog, args=arguments, default=default)
    _refuse_components(options.config, arguments)
    return options


def _parse_all(argv: list[str]):
    """Lets tyro show all commands, or refuse one that there is not."""
    choices = tuple(Annotated[kind, subcommand(name)] for name, kind in COMMANDS.items())
    return tyro.cli(
        Union[choices],  # noqa: UP007, built from a tuple
        prog=PROG,
        description="Words in, a picture drawn step by step out. Start with `demo`.",
        args=argv,
    )


def _full_flag(word: str) -> str:
    """A word of the command line, with the full name of a flag that has a short one."""
    flag, equals, value = word.partition("=")
    return SHORT_FLAGS.get(flag, flag) + equals + value


def _without_flags_of_other_models(argv: list[str], config: TrainConfig) -> list[str]:
    """The words of a command line without flags (and values) that `config`'s model lacks."""
    own = {field.name for field in dataclasses.fields(config.model)}
    kept, dropped = [], False
    for word in argv:
        if word.startswith("--") or word == "-h":
            name = word.partition("=")[0].removeprefix("--model.").replace("-", "_")
            dropped = word.startswith("--model.") and not {name, name.removeprefix("no_")} & own
        if not dropped:
            kept.append(word)
    return kept


def _parse_cluster(argv: list[str], prog: str) -> Cluster:
    """The options of `cluster`, with those of the command that follow them."""
    options, rest = tyro.cli(
        Cluster,
        prog=prog,
        args=argv or ["--help"],
        return_unknown_args=True,
    )
    arguments = [options.name, *rest]
    command = parse(arguments, prog=f"{prog} {options.name}")
    return dataclasses.replace(options, command=command, arguments=tuple(arguments))


def _training(argv: list[str], chosen: tuple[str, TrainConfig] | None) -> Train:
    """The defaults of `train`: those of its preset, so `--preset` is parsed before the rest.

    A budget among the flags replaces the budget of the preset.
    """
    typed = _typed_first(argv).preset
    if typed is not None:
        chosen = typed, preset(typed).config
    named, config = chosen or (None, preset(UNCHOSEN).config)
    _refuse_likelihood(config, argv)
    config = without_other_budgets(config, _named_budgets(argv))
    return Train(tyro.MISSING, tyro.MISSING, named, config=config)


def _refuse_likelihood(config: TrainConfig, argv: list[str]) -> None:
    """Refuse a likelihood for a model that has none."""
    typed = any(word.startswith(SHORT_FLAGS["--likelihood"]) for word in argv)
    if typed and not hasattr(config.model, "likelihood"):
        raise UsageError(
            "--likelihood is for systems with a bound on the likelihood, the DRAW systems and the"
            " VAEs. Give the --preset of one of them, or leave it out."
        )


def _refuse_components(config: TrainConfig, argv: list[str]) -> None:
    """Refuse a number of components for a likelihood that has none, on which it has no effect."""
    typed = any(word.partition("=")[0] == COMPONENTS for word in argv)
    likelihood = getattr(config.model, "likelihood", None)
    if typed and likelihood not in (None, "logistic"):
        raise UsageError(
            f"{COMPONENTS} is for --likelihood logistic, and has no effect with {likelihood}. Give"
            " both, or leave it out."
        )


def _typed_first(argv: list[str]) -> argparse.Namespace:
    """The preset and the budgets among the flags of `train`; None for those that are not there."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("preset", *BUDGETS):
        parser.add_argument(f"--{flag}", nargs=None if flag == "preset" else "?")
    return parser.parse_known_args(argv)[0]


def _named_budgets(argv: list[str]) -> list[str]:
    typed = _typed_first(argv)
    return [budget for budget in BUDGETS if getattr(typed, budget) not in (None, "None")]
