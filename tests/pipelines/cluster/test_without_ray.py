"""What the cluster commands do where Ray is missing, does not answer, or is stood in for."""

import re
import socket
import sys
from types import ModuleType, SimpleNamespace

import pytest

from pipelines.cli import main, parse
from pipelines.cluster.child_process import Command, run_command
from pipelines.cluster.ray_connection import connected
from pipelines.cluster.ray_tasks import prepare_commands, run_task, run_tasks
from pipelines.options import Prepare, Train
from t2i_tf.errors import UsageError, UserError

TRAIN = ["--data", "d", "--workdir", "w", "--preset", "align-draw-tiny"]


@pytest.fixture
def ray(monkeypatch):
    """A module called ray that must not be reached."""
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))


def test_a_missing_ray_is_one_sentence_with_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["cluster", "train", "--address", "local", *TRAIN]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "need Ray, which is not installed" in error and "requirements-cluster.txt" in error


def test_nothing_answers_at_the_address(ray):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hosts = ("ray://127.0.0.1", "127.0.0.1", "ray://[::1]", "[::1]")
    for address in (f"{host}:{port}" for host in hosts):
        with (
            pytest.raises(UserError, match=rf"Nothing answers at --address {re.escape(address)}"),
            connected(address),
        ):
            pass


@pytest.mark.parametrize(
    "address", ["", "host", "http://host:1", "ray://host", "ray://:1", "::1:2"]
)
def test_an_address_that_is_none_is_refused(ray, address):
    with (
        pytest.raises(UsageError, match=r"expected ray://host:port, host:port"),
        connected(address),
    ):
        pass


def test_the_flags_of_the_command_follow_those_of_the_cluster():
    options = parse(["cluster", "train", "--workers", "4", *TRAIN, "--steps", "9"])
    assert (options.name, options.workers, options.gpus_per_worker) == ("train", 4, 0)
    assert isinstance(options.command, Train) and options.command.config.steps == 9
    assert options.arguments == ("train", *TRAIN, "--steps", "9")
    options = parse(["cluster", "prepare", "--address", "a:1", "--input", "i", "--out", "o"])
    assert isinstance(options.command, Prepare) and options.address == "a:1"


@pytest.mark.parametrize(
    "wrong",
    [
        ["train", "--data", "d"],
        ["train", *TRAIN, "--stpes", "9"],
        ["demo"],
        ["train", "--workers", "x", *TRAIN],
    ],
)
def test_wrong_flags_are_refused_before_the_cluster_is_asked(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["cluster", *wrong])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--workers", "0", *TRAIN], "Expected --workers to be 1 or more and at most 1024, got 0"),
        (["--retries", "-1", *TRAIN], "Expected --retries to be 0 or more, got -1"),
        ([*TRAIN, "--batch-size", "0"], "Expected --batch-size to be 1 or more, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, message, capsys):
    assert main(["cluster", "train", *wrong]) == 2
    assert message in capsys.readouterr().err


def test_a_preparation_is_divided_into_parts():
    commands = prepare_commands(["prepare", "--out", "o"], 3)
    assert list(commands) == ["part 1/3", "part 2/3", "part 3/3"]
    assert commands["part 2/3"] == ["prepare", "--out", "o", "--part", "2/3"]


def test_a_command_is_run_as_a_process_and_its_last_lines_are_kept(capfd):
    ended = run_command(Command(["nonsense"], ".", sys.executable))
    assert ended.code == 2 and "nonsense" in ended.output
    assert "nonsense" in capfd.readouterr().out


class FakeRay:
    """Runs tasks at once, and loses those whose result is None."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self, results):
        self.results, self.options = results, None

    def remote(self, **options):
        self.options = options
        return lambda task: SimpleNamespace(remote=lambda command: command[0][0])

    def get(self, name):
        if self.results[name] is None:
            raise RuntimeError("NodeDied")
        return self.results[name]


def test_the_tasks_that_failed_are_named_with_their_last_line():
    ray = FakeRay({"a": (0, "done"), "b": (1, "first\nError: no disk"), "c": None})
    with pytest.raises(
        UserError, match=r"2 of 3 tasks failed\. B: Error: no disk; C: lost 3 times"
    ):
        run_tasks(ray, {"A": ["a"], "B": ["b"], "C": ["c"]}, gpus=1, retries=2)
    assert ray.options["num_gpus"] == 1 and ray.options["max_retries"] == 2
    run_tasks(ray, {"A": ["a"]})


@pytest.mark.parametrize("code", [75, 130, -9])
def test_a_command_that_was_interrupted_is_run_again(monkeypatch, code):
    monkeypatch.setattr(
        "pipelines.cluster.ray_tasks.run_command", lambda command: SimpleNamespace(code=code)
    )
    with pytest.raises(InterruptedError):
        run_task((("train",), ".", "python"))
