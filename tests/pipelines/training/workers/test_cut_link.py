"""Workers with addresses of their own: network namespaces on one machine, as root on Linux."""

import os
import shutil
import subprocess

import numpy as np
import pytest

from t2i_tf.checkpoints import CheckpointFolder
from tests.pipelines.training.workers.test_worker_group import LOST, STEPS, flags, run_script

pytestmark = pytest.mark.slow

COUNT = 2


def ip(words):
    subprocess.run(["ip", *words.split()], check=True, capture_output=True)


@pytest.fixture
def namespaces():
    """Namespaces with the addresses 10.99.0.1 and 10.99.0.2, joined by a bridge."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need root and the command `ip`")
    own = f"t2i{os.getpid() % 100_000}"
    names = [f"{own}-{rank}" for rank in range(COUNT)]
    try:
        ip(f"link add {own} type bridge")
        ip(f"link set {own} up")
        for rank, name in enumerate(names):
            ip(f"netns add {name}")
            ip(f"link add {own}v{rank} type veth peer name eth0 netns {name}")
            ip(f"link set {own}v{rank} master {own} up")
            ip(f"-n {name} addr add 10.99.0.{rank + 1}/24 dev eth0")
            ip(f"-n {name} link set eth0 up")
            ip(f"-n {name} link set lo up")
        yield names
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode()}")
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", own], capture_output=True)


def weights(workdir):
    with np.load(CheckpointFolder(workdir / "checkpoints").path(STEPS)) as archive:
        return {name: archive[name] for name in archive.files if name.startswith("model/")}


def test_a_cut_link_ends_all_workers_alike_and_they_resume_exactly(data, tmp_path, namespaces):
    def run(name, workdir, **events):
        more = {"logs": str(tmp_path / name), "count": COUNT, "namespaces": namespaces}
        return more | {"flags": flags(data, tmp_path / workdir)} | events

    whole, cut, resumed = run_script(
        [
            run("whole", "undisturbed"),
            run("cut", "disturbed", cut=[3, 1, 30]),
            run("resumed", "disturbed"),
        ]
    )
    assert whole["codes"] == resumed["codes"] == [0, 0]
    assert cut["codes"] in ([LOST, LOST], [0, 0]) and cut["seconds"] < 30 + 60
    mine, theirs = weights(tmp_path / "disturbed"), weights(tmp_path / "undisturbed")
    for name in theirs:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
