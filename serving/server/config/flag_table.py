"""The table of TensorFlow Serving's flags in BUILD.md.

`python -m serving.server.config.flag_table` prints it; a test compares the two.
"""

from dataclasses import fields

from serving.server.config.flags import Flags
from serving.server.config.upstream_flags import REFUSED, WITHOUT_EFFECT

OWN = {"host", "max_request_bytes", "shutdown_delay_seconds", "shutdown_grace_seconds", "notes"}
"""Fields of `Flags` that TensorFlow Serving does not have."""

REMARKS = {
    "model_name": "`t2i` by default, not `default`",
    "port": "with 0 and no `--grpc_socket_path`, a free port is taken, and the log says which",
    "rest_api_port": "the port of `--port` is refused, not skipped",
    "grpc_max_threads": "64 by default",
    "mixed_precision": "values other than `bfloat16` are refused, not ignored",
    "enable_serialization_as_tensor_content": "also as `--tensor_content`",
}
"""Flags that are honoured, and differ in a detail."""


def honoured() -> list[str]:
    """TensorFlow Serving's flags that are honoured."""
    return [*(field.name for field in fields(Flags) if field.name not in OWN), "version"]


def table() -> str:
    """The table in Markdown."""
    same = [name for name in honoured() if name not in REMARKS]
    rows = [(same, "as in TensorFlow Serving")]
    rows += [([name], f"as in TensorFlow Serving; {text}") for name, text in REMARKS.items()]
    for flags, verdict in ((WITHOUT_EFFECT, "no effect"), (REFUSED, "refused")):
        by_reason: dict[str, list[str]] = {}
        for name, flag in flags.items():
            by_reason.setdefault(f"{verdict}: {flag.reason}", []).append(name)
        rows += [(names, text) for text, names in by_reason.items()]
    lines = [f"| {', '.join(f'`--{name}`' for name in names)} | {text} |" for names, text in rows]
    return "\n".join(["| flag | in the embedded server |", "|---|---|", *lines])


if __name__ == "__main__":
    print(table())
