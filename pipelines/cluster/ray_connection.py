"""The connection to a Ray cluster. Ray is optional: it is imported here, and by nothing else."""

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from t2i_tf.errors import UsageError, UserError, install_extra

ROOT = Path(__file__).parents[2]  # of this project, on every node
ANSWER_SECONDS = 10


@contextlib.contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Ray, connected to a cluster until the end of the block.

    Args:
        address: "ray://host:port" of a Ray client server, "host:port" of a head node, "auto" for
            the cluster that this machine belongs to, or "local" to start one on this machine.

    Raises:
        UserError: Ray is not installed, or nothing answers at the address.
        UsageError: the address is malformed.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "The cluster commands need Ray, which is not installed. Install it with"
            f" {install_extra('cluster')}."
        ) from error
    _check_answers(address)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "RAY_TRAIN_V2_ENABLED": "1"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "2"}  # TensorFlow's greetings
    os.environ.update(environment)
    try:
        ray.init(
            None if address == "local" else address,
            runtime_env={"env_vars": environment},
            logging_level="warning",
            **({"include_dashboard": False} if address == "local" else {}),
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise UserError(f"No Ray cluster is reached at --address {address}: {reason[0]}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    if address in ("auto", "local"):
        return
    found = re.fullmatch(r"(?:ray://)?(?:([^\s/:\[\]]+)|\[([^\s\[\]]+)\]):(\d+)", address)
    if not found:
        raise UsageError(
            f"--address {address}: expected ray://host:port, host:port, auto or local; IPv6 in"
            " brackets, as in [::1]:6379."
        )
    try:
        socket.create_connection(
            (found[1] or found[2], int(found[3])), timeout=ANSWER_SECONDS
        ).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"Nothing answers at --address {address} ({error}). Start Ray there with `ray start"
            " --head`, or give the address of a running cluster."
        ) from error
