import json

import pytest

from pipelines.training.workers.membership import find_membership
from t2i_tf.errors import UsageError

THREE = {"chief": ["a:1"], "worker": ["b:2", "c:3"]}


def member(cluster, **task):
    return find_membership({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})


def test_ranks_begin_with_the_chief():
    found = member(THREE, type="worker", index=1)
    assert (found.index, found.count) == (2, 3)
    assert found.all_addresses == ("a:1", "b:2", "c:3")
    assert member(THREE, type="chief", index=0).index == 0
    assert member({"worker": ["b:2", "c:3"]}, type="worker", index="1").index == 1


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"SLURM_PROCID": "0"}])
def test_who_names_no_workers_trains_alone(environment):
    assert find_membership(environment) is None


def test_one_worker_trains_alone():
    assert member({"worker": ["a:1"]}, type="worker", index=0) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{worker}", r"TF_CONFIG is not JSON \(.*line 1 column 2.*Expected \{"),
        ("{}", "TF_CONFIG names no cluster"),
        ("[1]", "TF_CONFIG names no cluster"),
        ('{"cluster": {}}', "TF_CONFIG names no cluster"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "does not say which worker this is"),
    ],
)
def test_a_tf_config_that_names_no_worker_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        find_membership({"TF_CONFIG": text})


@pytest.mark.parametrize(
    ("cluster", "task", "message"),
    [
        (THREE, ("worker", 2), r"this is worker 2, but its cluster has 2.*from 0 to 1"),
        (THREE, ("worker", -1), r"this is worker -1"),
        (THREE, ("worker", "x"), r"this is worker x"),
        (THREE, ("evaluator", 0), r"this is a 'evaluator', but.* only chief and worker"),
        (THREE | {"ps": ["d:4"]}, ("worker", 0), r"has the job 'ps'.*no parameter servers"),
        ({"worker": ["a", "b:2"]}, ("worker", 0), r"the address 'a'.*Expected host:port"),
        ({"worker": ["a:0", "b:2"]}, ("worker", 0), r"the address 'a:0'"),
        ({"worker": [1, "b:2"]}, ("worker", 0), r"the address 1"),
        ({"worker": "a:1,b:2"}, ("worker", 0), r"lists no addresses of the job 'worker'"),
        ({"worker": ["a:1", "a:1"]}, ("worker", 0), r"two workers the same address"),
        ({"chief": ["a:1", "b:1"]}, ("chief", 0), r"2 chiefs. Expected one"),
    ],
)
def test_a_tf_config_that_contradicts_itself_is_refused(cluster, task, message):
    with pytest.raises(UsageError, match=message):
        member(cluster, type=task[0], index=task[1])


SLURM = {
    "SLURM_PROCID": "2",
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "node[9-10]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
    "SLURM_JOB_ID": "7",
}


def test_slurm_ranks_nodes_by_number(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)  # where TensorFlow's resolver reads them
    found = find_membership(SLURM)
    assert found.index == 2
    assert found.all_addresses == ("node9:20448", "node9:20449", "node10:20448")


def test_tf_config_precedes_slurm():
    text = json.dumps({"cluster": THREE, "task": {"type": "chief", "index": 0}})
    assert find_membership(SLURM | {"TF_CONFIG": text}).all_addresses[0] == "a:1"


def test_slurm_variables_that_are_incomplete_are_named(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SLURM_STEP_NODELIST")
    with pytest.raises(UsageError, match=r"SLURM_STEP_NODELIST.*Start them with `srun`"):
        find_membership(SLURM)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SLURM_STEP_NUM_TASKS", "three", "Slurm's variables do not describe the workers"),
        ("SLURM_PROCID", "3", "SLURM_PROCID is 3 and SLURM_STEP_NUM_TASKS 3, but .* 3 tasks"),
        ("SLURM_PROCID", "-1", "SLURM_PROCID is -1"),
        ("SLURM_STEP_NUM_TASKS", "4", r"the workers: Requested 4 tasks .*[^.]\. Start"),
    ],
)
def test_slurm_variables_that_contradict_themselves_are_refused(monkeypatch, name, value, message):
    changed = SLURM | {name: value}
    for each, text in changed.items():
        monkeypatch.setenv(each, text)
    with pytest.raises(UsageError, match=message):
        find_membership(changed)


def test_digits_of_other_scripts_are_no_port():
    with pytest.raises(UsageError, match="Expected host:port"):
        member({"worker": ["a:١٢٣", "b:1"]})
