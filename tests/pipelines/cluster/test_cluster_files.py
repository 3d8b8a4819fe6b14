"""The files for people's clusters: against Kubernetes' published schemas, and run as far as can be.

Kinds of other projects (JobSet, KubeRay, KServe) have no schema in a package: what they hold of
Kubernetes' own is checked, and the rest by its structure.
"""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from pipelines.cli import parse
from pipelines.options import Cluster, Train
from pipelines.training.workers.membership import find_membership

yaml = pytest.importorskip("yaml", reason="PyYAML comes with requirements-dev.txt")
kubernetes_validate = pytest.importorskip(
    "kubernetes_validate", reason="kubernetes-validate comes with requirements-dev.txt"
)

ROOT = Path(__file__).parents[3]
CLUSTER = ROOT / "pipelines/cluster"
SERVING = ROOT / "serving/tf_serving/kubernetes"
VERSION = "1.30"  # of Kubernetes


def documents(path):
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def check(document):
    kubernetes_validate.validate(document, VERSION, strict=True)


def pod_of(template):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **template}


@pytest.fixture(scope="module")
def jobset():
    return documents(CLUSTER / "kubernetes/jobset.yaml")[0]


@pytest.fixture(scope="module")
def deployment():
    return {one["kind"]: one for one in documents(SERVING / "deployment.yaml")}


def test_the_schemas_find_a_misspelt_field(deployment):
    wrong = deployment["Service"] | {"spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        check(wrong)


def test_tensorflow_serving_is_deployed_with_probes_and_scaling(deployment):
    for one in deployment.values():
        check(one)
    assert set(deployment) == {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    }
    spec = deployment["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    assert deployment["Service"]["spec"]["selector"] == labels
    (container,) = spec["template"]["spec"]["containers"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert not container["image"].endswith("latest")
    target = deployment["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "t2i")
    for argument in container["args"]:
        name, _, value = argument.partition("=")
        if value.startswith("/config/"):
            assert (SERVING.parent / Path(value).name).exists(), name


def test_a_job_of_the_jobset_is_one_of_kubernetes(jobset):
    (job,) = jobset["spec"]["replicatedJobs"]
    check({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, **job["template"]})
    assert jobset["apiVersion"] == "jobset.x-k8s.io/v1alpha2"
    spec = job["template"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    environment = {one["name"]: one["value"] for one in container["env"]}
    assert environment["WORKERS"] == str(spec["parallelism"]) == str(spec["completions"])
    assert environment["HOST"] == f"{jobset['metadata']['name']}-{job['name']}-0"
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container["name"]


def test_the_jobset_names_its_workers(jobset, tmp_path):
    """Its script runs, with a `python` that shows what it gets."""
    job = jobset["spec"]["replicatedJobs"][0]["template"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    fake = tmp_path / "python"
    fake.write_text('#!/bin/bash\necho "$TF_CONFIG"\necho "$@"\n')
    fake.chmod(0o755)
    environment = {one["name"]: one["value"] for one in container["env"]}
    environment |= {"JOB_COMPLETION_INDEX": "2", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [*container["command"], *container["args"]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    config, words = done.stdout.splitlines()
    found = find_membership({"TF_CONFIG": config})
    assert (found.index, found.count) == (2, 4)
    assert found.all_addresses[0] == "t2i-train-worker-0-0.t2i-train:2222"
    assert json.loads(config)["task"]["type"] == "worker"
    arguments = shlex.split(words)
    assert arguments[:2] == ["-m", "pipelines"] and isinstance(parse(arguments[2:]), Train)


@pytest.mark.parametrize("name", ["ray-cluster", "ray-job"])
def test_ray_files_hold_pods_of_kubernetes_and_the_version_that_is_required(name):
    (document,) = documents(CLUSTER / f"kubernetes/{name}.yaml")
    assert document["apiVersion"] == "ray.io/v1"
    spec = document["spec"] if name == "ray-cluster" else document["spec"]["rayClusterSpec"]
    required = (ROOT / "requirements-cluster.txt").read_text()
    assert f"=={spec['rayVersion']}" in required
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        check(pod_of(group["template"]))
        assert isinstance(group["rayStartParams"], dict)
    for group in spec["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_ray_job_runs_a_command_that_is_there():
    (document,) = documents(CLUSTER / "kubernetes/ray-job.yaml")
    words = shlex.split(document["spec"]["entrypoint"])
    assert words[:3] == ["python", "-m", "pipelines"]
    options = parse(words[3:])
    assert isinstance(options, Cluster) and isinstance(options.command, Train)
    (group,) = document["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert options.workers == group["replicas"] and options.gpus_per_worker == 1


def test_kserve_gets_a_version_of_tensorflow_serving_that_reads_the_exports(deployment):
    (service,) = documents(SERVING / "inference-service.yaml")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    model = service["spec"]["predictor"]["model"]
    assert model["modelFormat"]["name"] == "tensorflow"
    (container,) = deployment["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"tensorflow/serving:{model['runtimeVersion']}"
    container = {"name": "x", "image": "x", "resources": model["resources"]}
    check(pod_of({"spec": {"containers": [container]}}))


def slurm_script(tmp_path, code):
    """What the script does where `srun` ends with a code: its output and its own exit code."""
    for name, text in (("srun", f'echo "srun $@"; exit {code}'), ("scontrol", 'echo "again $@"')):
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_ID": "7",
    }
    command = ["bash", str(CLUSTER / "slurm/train.sbatch"), "--data", "a folder"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.stdout, done.returncode


@pytest.mark.parametrize("code", [75, 130, 137])
def test_the_slurm_script_is_queued_again_when_a_worker_is_lost(tmp_path, code):
    output, own = slurm_script(tmp_path, code)
    assert "pipelines train --data a folder" in output and "again requeue 7" in output
    assert own == 0


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_slurm_script_ends_where_another_try_would_end_the_same(tmp_path, code):
    output, own = slurm_script(tmp_path, code)
    assert "again" not in output and own == code
