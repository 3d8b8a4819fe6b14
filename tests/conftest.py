"""What has to be set before TensorFlow is imported, and how tests are shared among processes."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles faster

TESTS = Path(__file__).parent
# The folders whose files take longest come first, so that no process is left with one at the end.
LONGEST_FIRST = ("conformance", "pipelines/training", "t2i_tf/models", "pipelines/evaluation")


@pytest.fixture(scope="module")
def graphs_as_traced():
    """Skips TensorFlow's graph optimizer, which takes seconds for a graph that runs a few steps."""
    import tensorflow as tf  # not before a test asks for it: it takes seconds

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A file's tests run in one process and share its fixtures, or those of one `system` do."""
    for item in items:
        group = item.path.relative_to(TESTS).as_posix()
        if "conformance" in item.path.parts and hasattr(item, "callspec"):
            group += f"-{item.callspec.params.get('system')}"  # xdist takes no brackets here
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_rank)


def _rank(item):
    folder = item.path.relative_to(TESTS).parent.as_posix()
    ranks = [k for k, first in enumerate(LONGEST_FIRST) if folder.startswith(first)]
    return min(ranks, default=len(LONGEST_FIRST))
