"""Runs trainings on several workers, each a process of its own, as a script of a list of runs:

    python cluster.py '[{"logs": "LOGS", "count": 2, "flags": ["--data", ...]}]'

A run may have `signals`: lists of a checkpoint's step, the rank that gets a signal once that
checkpoint is there, and the signal's number; `cut`: a list of such a step, a rank, and seconds for
which the network of that worker is cut; `namespaces`, one for each worker, whose addresses are
10.99.0.1 and so on; and `own`, a list of more flags for each worker. The workers write to
LOGS/0.log and so on. The exit codes of the runs, and the seconds from a signal or cut to the last
worker's end, are printed as JSON.

The workers are forked from this process, which has imported TensorFlow and computed nothing.
"""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from t2i_tf.import_tensorflow import import_tensorflow

CLONE_NEWNET = 0x40000000


def main(runs):
    import_tensorflow()
    import pipelines.cli
    import pipelines.commands
    import pipelines.training.train  # noqa: F401, imported here once for all
    from pipelines.training.workers import workers

    workers.SEEN_SECONDS = 3

    print(json.dumps([copy(*one["copy"]) if "copy" in one else run(**one) for one in runs]))


def copy(folder, to):
    """A run may also be `{"copy": [FOLDER, TO]}`."""
    shutil.copytree(folder, to)


def run(logs, count, flags, signals=(), cut=None, namespaces=None, own=None):
    hosts = addresses(count, namespaces)
    Path(logs).mkdir(parents=True, exist_ok=True)
    own = own or [[]] * count
    pids = [start(rank, hosts, logs, flags + own[rank], namespaces) for rank in range(count)]
    workdir = Path(flags[flags.index("--workdir") + 1])
    since = time.monotonic()
    for step, rank, number in signals:
        wait_for_checkpoint(workdir, step, pids)
        since = time.monotonic()
        os.kill(pids[rank], number)
    if cut:
        step, rank, seconds = cut
        wait_for_checkpoint(workdir, step, pids)
        since = time.monotonic()
        link(namespaces[rank], "down")
        time.sleep(seconds)
        link(namespaces[rank], "up")
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    return {"codes": codes, "seconds": round(time.monotonic() - since, 1)}


def addresses(count, namespaces):
    if namespaces:
        return [f"10.99.0.{rank + 1}:2222" for rank in range(count)]
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return [f"127.0.0.1:{port}" for port in ports]


def start(rank, hosts, logs, flags, namespaces):
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        if namespaces:
            enter(namespaces[rank])
        if len(hosts) > 1:
            task = {"type": "worker", "index": rank}
            os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": hosts}, "task": task})
        log = os.open(f"{logs}/{rank}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from pipelines.cli import main as command

        code = command(["train", *flags])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def enter(namespace):
    with open(f"/var/run/netns/{namespace}") as file:
        assert ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) == 0


def link(namespace, state):
    command = ["ip", "netns", "exec", namespace, "ip", "link", "set", "eth0", state]
    subprocess.run(command, check=True)


def wait_for_checkpoint(workdir, step, pids):
    from t2i_tf.checkpoints import CheckpointFolder

    folder = CheckpointFolder(workdir / "checkpoints")
    while max(folder.steps(), default=-1) < step:
        for pid in pids:
            os.kill(pid, 0)
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            assert ended is None, f"a worker ended before step {step}"
        time.sleep(0.02)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
