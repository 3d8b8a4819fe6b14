"""TensorFlow Serving's flags that have no effect here, or that are refused, each with the reason.

All others are honoured and declared in `flags`. Together they are every flag of TensorFlow
Serving's model server, so that a command line written for it works here, or says why not.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from serving.server.config.flag_values import boolean


@dataclass(frozen=True)
class Unsupported:
    """A flag that is parsed, and otherwise only explained.

    Args:
        kind: Converts its value: `boolean`, `int` or `str`.
        reason: A clause that follows "no effect:" or "refused:".
    """

    kind: Any
    reason: str


_RETRIES = "a version that cannot be loaded is tried again once its files change"
_XLA = "what a model marks for XLA is compiled, with or without this flag"
_LITE = "there is no TensorFlow Lite here"

WITHOUT_EFFECT = {
    "num_load_threads": Unsupported(
        int, "versions are loaded one after the other, while requests are answered"
    ),
    "num_unload_threads": Unsupported(int, "each version is unloaded in a thread of its own"),
    "max_num_load_retries": Unsupported(int, _RETRIES),
    "load_retry_interval_micros": Unsupported(int, _RETRIES),
    "flush_filesystem_caches": Unsupported(boolean, "file caches are left to the operating system"),
    "remove_unused_fields_from_bundle_metagraph": Unsupported(
        boolean, "of a SavedModel's description only the signatures are kept"
    ),
    "num_tflite_pools": Unsupported(int, _LITE),
    "num_tflite_interpreters_per_pool": Unsupported(int, _LITE),
    "enable_signature_method_name_check": Unsupported(
        boolean, "Predict, the only method that runs models here, takes every signature"
    ),
    "xla_cpu_compilation_enabled": Unsupported(boolean, _XLA),
    "xla_gpu_compilation_enabled": Unsupported(boolean, _XLA),
    "enable_profiler": Unsupported(boolean, "there is no profiler service here"),
    "skip_initialize_tpu": Unsupported(boolean, "there are no TPUs here"),
    "enable_grpc_healthcheck_service": Unsupported(boolean, "the health service is always on"),
}

REFUSED = {
    "use_alts_credentials": Unsupported(
        boolean, "ALTS works only between machines of Google Cloud; use --ssl_config_file"
    ),
    "platform_config_file": Unsupported(
        str,
        "TensorFlow is the only platform; use --tensorflow_session_config_file and "
        "--batching_parameters_file",
    ),
    "prefer_tflite_model": Unsupported(boolean, "only SavedModels can be run"),
    "thread_pool_factory_config_file": Unsupported(
        str,
        "there are no thread pools to choose from; use --tensorflow_inter_op_parallelism and "
        "--tensorflow_intra_op_parallelism",
    ),
}


def add_unsupported_flags(group: argparse._ArgumentGroup) -> None:
    """Declare the flags of both tables, without help."""
    for name, flag in (WITHOUT_EFFECT | REFUSED).items():
        alone = {"nargs": "?", "const": True} if flag.kind is boolean else {}
        group.add_argument(
            "--" + name.replace("_", "-"), type=flag.kind, help=argparse.SUPPRESS, **alone
        )


def refusals(values: argparse.Namespace) -> Iterator[str]:
    """A sentence for each flag that is refused; false and empty values ask for nothing."""
    for name, flag in REFUSED.items():
        if getattr(values, name):
            yield f"--{name} is not supported: {flag.reason}"


def notes(values: argparse.Namespace) -> Iterator[str]:
    """A sentence for each flag that was given and has no effect."""
    for name, flag in WITHOUT_EFFECT.items():
        if getattr(values, name) is not None:
            yield f"--{name} has no effect here: {flag.reason}"
