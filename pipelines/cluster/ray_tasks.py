"""`cluster prepare` and `cluster compare`: commands that need no exchange, as tasks of Ray.

Each task is a command as a process of its own. A task whose node is lost is run again on another:
a preparation and a training both resume what is on the shared disk.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

from pipelines.cluster.child_process import Command, Ended, run_command
from t2i_tf.errors import UserError


def run_tasks(
    ray: ModuleType,
    commands: Mapping[str, Sequence[str]],
    *,
    gpus: int = 0,
    retries: int = 3,
) -> None:
    """Runs command lines side by side, each as a task of its own, and waits for all.

    Args:
        ray: Ray, connected.
        commands: Words of each command line, by its title.
        gpus: GPUs of each task.
        retries: How often a task is run again after its node was lost, or after it was interrupted.

    Raises:
        UserError: commands failed; the error has the title and the last words of each.
    """
    task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=retries, retry_exceptions=[OSError])(
        run_task
    )
    pending = {title: task.remote(tuple(Command.here(words))) for title, words in commands.items()}
    failed = {}
    for title, result in pending.items():
        try:
            ended = Ended(*ray.get(result))
        except ray.exceptions.RayError as error:
            failed[title] = f"lost {retries + 1} times ({type(error).__name__})"
            continue
        if ended.code:
            failed[title] = ended.output.splitlines()[-1] if ended.output else f"code {ended.code}"
    if failed:
        reasons = "; ".join(f"{title}: {reason}" for title, reason in failed.items())
        raise UserError(f"{len(failed)} of {len(commands)} tasks failed. {reasons}")


def run_task(command: Sequence) -> tuple[int, str]:
    """One task: exit code and last lines of a command.

    Raises:
        InterruptedError: the command was ended by a signal, so that Ray runs it again.
    """
    ended = run_command(Command(*command))
    if ended.code < 0 or ended.code in (75, 130):
        raise InterruptedError(f"The command ended with {ended.code}.")
    return tuple(ended)


def prepare_commands(arguments: Sequence[str], parts: int) -> dict[str, list[str]]:
    """The command lines of the parts of a preparation."""
    return {
        f"part {k}/{parts}": [*arguments, "--part", f"{k}/{parts}"] for k in range(1, parts + 1)
    }
