"""The cluster commands on a Ray of three nodes on this machine; skipped where Ray is missing."""

import filecmp
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.data.preparation.prepare import prepare
from pipelines.data.scenes.dataset import write_scenes
from pipelines.data.sources.coco import CocoSource
from t2i_tf.checkpoints import CheckpointFolder
from tests.data_folders import write_training_folder

pytest.importorskip("ray", reason="Ray comes with requirements-cluster.txt")
pytestmark = pytest.mark.slow

SIZES = {"height": 16, "width": 16, "shard_size": 20}
MEMORY = 100 << 20  # of a node's object store; nothing here uses it


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.chdir(root)
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    yield cluster
    cluster.shutdown()


def once(condition, action):
    """Does something in a thread as soon as a condition holds; returns what was done."""
    done = []

    def watch():
        while not condition():
            time.sleep(0.02)
        done.append(action())

    threading.Thread(target=watch, daemon=True).start()
    return done


def test_a_lost_node_costs_prepare_a_retry_and_not_a_byte(cluster, tmp_path):
    scenes, whole, out = (tmp_path / name for name in ("scenes", "whole", "data"))
    write_scenes(scenes, train=600, val=20, test=20, held_out=10, workers=1)
    prepare(CocoSource(scenes), whole, **SIZES)
    node = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
    lost = once(
        lambda: any((tmp_path / "data-parts").glob("*/*.tfrecord")),
        lambda: cluster.remove_node(node, allow_graceful=False),
    )
    flags = ["--input", str(scenes), "--out", str(out), "--height", "16", "--shard-size", "20"]
    command = ["cluster", "prepare", "--address", cluster.address, "--workers", "3"]
    assert main([*command, *flags]) == 0
    assert lost
    names = sorted(path.name for path in whole.iterdir())
    assert sorted(path.name for path in out.iterdir()) == names
    assert filecmp.cmpfiles(out, whole, names, shallow=False) == (names, [], [])


def trainings(workdir):
    """The processes that train in a work folder, other than this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"train" in words and str(workdir).encode() in words and b"cluster" not in words:
            found.append(int(process.name))
    return sorted(found)


@pytest.fixture
def train(cluster, tmp_path):
    """Trains on two workers into a work folder that is given."""
    data = write_training_folder(tmp_path / "data")

    def run(workdir):
        flags = ["--data", str(data), "--workdir", str(workdir), "--no-xla", "--deterministic"]
        flags += ["--preset", "noalign-draw-tiny", "--checkpoint-seconds", "0"]
        command = ["cluster", "train", "--address", cluster.address, "--workers", "2"]
        return main([*command, *flags])

    return run


def test_train_starts_all_workers_again_when_one_is_killed(train, tmp_path):
    def weights(workdir):
        with np.load(CheckpointFolder(workdir / "checkpoints").path(12)) as archive:
            return {name: archive[name] for name in archive.files if name.startswith("model/")}

    killed = once(
        lambda: CheckpointFolder(tmp_path / "killed" / "checkpoints").steps()[-1:] >= [3],
        lambda: os.kill(trainings(tmp_path / "killed")[-1], signal.SIGKILL),
    )
    assert train(tmp_path / "killed") == 0
    assert killed
    assert train(tmp_path / "whole") == 0
    mine, whole = weights(tmp_path / "killed"), weights(tmp_path / "whole")
    for name in whole:
        np.testing.assert_array_equal(mine[name], whole[name], err_msg=name)
