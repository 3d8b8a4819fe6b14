"""What has to be set before TensorFlow is imported, and how tests are shared among processes."""

import gc
import os
import signal
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from t2i_tf.import_tensorflow import import_tensorflow

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles faster

TESTS = Path(__file__).parent
SENTENCE_READERS = ("skip-thought-draw]", "fully-connected-vae]", "conv-deconv-vae]", "lapgan]")
# The folders whose files take longest come first, so that no process is left with one at the end.
LONGEST_FIRST = (
    "conformance",
    "pipelines/training",
    "serving",
    "t2i_tf/models",
    "pipelines/evaluation",
)
# Files of tests/serving whose tests use one server: processes that share them would each start it.
ONE_SERVER = (
    {"server/test_bad_input.py", "server/test_fuzz.py", "server/test_half_plus_two.py"},
    {
        "client/test_client.py",
        "server/grpc_api/test_reflection.py",
        "server/rest_api/test_rest_requests.py",
        "server/test_model_failures.py",
        "test_first_requests.py",
        "test_steered_drawing.py",
        "tools/test_bench.py",
        "tools/test_query_commands.py",
    },
    {"web/test_app.py", "web/test_page.py"},
)
SERVERS = {f"tests/serving/{file}": str(k) for k, files in enumerate(ONE_SERVER) for file in files}


@pytest.fixture
def default_signals():
    """Processes that a test starts are ended by signals, though `nohup` or a shell's `&` ignore
    them, which processes inherit."""
    ends = (signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ends}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def graphs_as_traced():
    """Skips TensorFlow's graph optimizer, which takes seconds for a graph that runs a few steps."""
    import tensorflow as tf  # not before a test asks for it: it takes seconds

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture(scope="module")
def without_graphs():
    """Runs TensorFlow's functions step by step: tracing them is not the subject, and takes longer.

    The conformance suite trains, resumes and exports every system with graphs.
    """
    from tests.eager import eagerly  # not before a test asks for it: it imports TensorFlow

    with eagerly():
        yield


class ByFileOrSystem(LoadScopeScheduling):
    """A file's tests run in one process and share its fixtures, or those of one system do.

    So do files that use one server, and systems that read sentence vectors of one encoder.

    xdist has no division of a file by a parameter: its groups are lost with this pytest.
    """

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        if file in SERVERS:
            return SERVERS[file]
        system = test.partition("[")[2] if file.startswith("tests/conformance") else ""
        return f"{file}[{'skip-thought]' if system in SENTENCE_READERS else system}"


def pytest_configure(config):
    """A process that shares the tests imports TensorFlow as our commands do, which is faster."""
    if hasattr(config, "workerinput"):
        import_tensorflow(lean=True)


def pytest_xdist_make_scheduler(config, log):
    return ByFileOrSystem(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What was imported and collected stays: no garbage collection looks through it, now or later.

    Of all test files, each would take half a second.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Each process that shares the tests begins with other files.

    In a new clone, pytest rewrites every file's assertions, which takes seconds, and keeps them in
    `__pycache__`: side by side the processes would all rewrite the same files.
    """
    report = yield
    worker = getattr(collector.config, "workerinput", None)
    if worker and isinstance(collector, pytest.Dir):
        number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
        first = len(report.result) * number // count
        report.result = report.result[first:] + report.result[:first]
    return report


def pytest_collection_modifyitems(items):
    """The longest files come first, in an order that every process agrees on."""
    items.sort(key=lambda item: (_rank(item), item.path))


def _rank(item):
    folder = item.path.relative_to(TESTS).parent.as_posix()
    ranks = [k for k, first in enumerate(LONGEST_FIRST) if folder.startswith(first)]
    return min(ranks, default=len(LONGEST_FIRST))
