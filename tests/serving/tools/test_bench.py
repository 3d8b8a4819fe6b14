import json
import time

import pytest

from serving.cli import main
from serving.tools.load_generator import LoadProfile, measure
from tests.serving.server_process import free_port

RESULTS = ["p50_ms", "p95_ms", "p99_ms", "pictures_per_second", "errors", "session_p50_ms", "ratio"]


def test_a_closed_loop_sends_each_request_once():
    seen = []
    outcome = measure(seen.append, LoadProfile(clients=3, requests=20, seconds=10))
    assert sorted(seen) == list(range(20))
    assert len(outcome.milliseconds) == 20 and outcome.errors == 0 and outcome.rate > 0


def test_it_ends_in_time():
    outcome = measure(
        lambda i: time.sleep(0.02), LoadProfile(clients=2, requests=10**9, seconds=0.2)
    )
    assert 5 < len(outcome.milliseconds) < 30 and outcome.seconds < 1


def test_failures_are_counted_and_not_timed():
    def send(i):
        if i % 4 == 0:
            raise OSError("broken")

    outcome = measure(send, LoadProfile(clients=2, requests=8, seconds=5))
    assert (len(outcome.milliseconds), outcome.errors, outcome.first_error) == (6, 2, "broken")


def test_an_open_loop_keeps_its_rate():
    outcome = measure(lambda i: None, LoadProfile(clients=2, requests=10, seconds=5, rate=50))
    assert 0.17 < outcome.seconds < 0.6


def test_an_open_loop_counts_the_wait_for_a_turn():
    load = LoadProfile(clients=1, requests=5, seconds=5, rate=1000)
    slowest = measure(lambda i: time.sleep(0.03), load).percentile(100)
    assert slowest > 4 * 30 - 5  # the last was due after 4 ms, and waited for 4 others


def test_percentiles():
    outcome = measure(lambda i: None, LoadProfile(1, 1, 1))
    outcome.milliseconds = [float(i) for i in range(101)]
    assert [outcome.percentile(q) for q in (50, 95, 99)] == [50, 95, 99]
    outcome.milliseconds = []
    assert outcome.percentile(50) is None


@pytest.fixture
def bench(drawing_server, tmp_path):
    """Runs a small benchmark, and returns its exit code and its results."""

    def run(*words, server=drawing_server.address):
        out = tmp_path / "bench.json"
        code = main(["bench", "--server", server, "--out", str(out), *words])
        return code, json.loads(out.read_text()) if out.exists() else None

    return run


def test_a_server_beside_its_baseline(bench, drawing_models, capsys):
    flags = ["--requests", "16", "--clients", "2", "--warmup", "2", "--n", "2"]
    code, results = bench(*flags, "--model-base-path", str(drawing_models))
    assert code == 0 and list(results) == RESULTS
    assert 0 < results["p50_ms"] <= results["p95_ms"] <= results["p99_ms"]
    assert results["errors"] == 0 and results["pictures_per_second"] > 0
    assert results["ratio"] == pytest.approx(results["p50_ms"] / results["session_p50_ms"])
    assert "pictures_per_second" in capsys.readouterr().out


def test_a_model_that_cannot_choose(bench, drawing_models):
    flags = ["--best-of", "2", "--requests", "2", "--model-base-path", str(drawing_models)]
    assert bench(*flags) == (1, None)
    assert bench(*flags, "--warmup", "0", "--clients", "1")[0] == 1


def test_an_open_loop_on_a_server(bench):
    code, results = bench(*["--rate", "40", "--requests", "8", "--clients", "2", "--warmup", "1"])
    assert code == 0 and results["session_p50_ms"] is None and results["ratio"] is None


@pytest.mark.parametrize("flags", ["--clients 0", "--rate 0", "--seconds nan", "--requests 0"])
def test_limits_must_be_positive(bench, flags):
    assert bench(*flags.split()) == (2, None)


def test_no_server_and_no_model(bench, tmp_path):
    assert bench(server=f"127.0.0.1:{free_port()}") == (1, None)
    assert bench("--model-base-path", str(tmp_path)) == (2, None)  # before any request
