"""The command `bench`: a server under load, and the same model without a server as a baseline."""

import json
from pathlib import Path

from rich.console import Console

from serving.client.client import Client
from serving.client.connection import Connection
from serving.contract import is_version
from serving.errors import RequestError, ServingError
from serving.tools.load_generator import LoadProfile, Outcome, Send, measure
from serving.tools.output_files import check_outputs, write


def bench(
    connection: Connection,
    load: LoadProfile,
    caption: str,
    n: int = 1,
    guidance: float = 0.0,
    best_of: int = 1,
    warmup: int = 8,
    model_base_path: Path | None = None,
    out: Path | None = None,
) -> None:
    """Measure, print the results, and write them as JSON.

    Args:
        connection: The server and the model to time.
        load: How requests are sent, and for how long.
        caption: What is drawn, each time with another seed.
        n: Images per request.
        guidance, best_of: See `Client.draw`.
        warmup: Untimed requests before the load.
        model_base_path: Exported model to time in this process too, as the baseline.
        out: JSON file for the results.

    Raises:
        RequestError: a number is out of range, `out` is no place for a file, or `model_base_path`
            holds no model.
        ServingError: a warm-up request failed, or no request was answered.
    """
    if n < 1:
        raise RequestError(f"--n must be at least 1, not {n}.")
    if warmup < 0:
        raise RequestError(f"--warmup must be 0 or more, not {warmup}.")
    check_outputs(out=out)
    version = _newest(model_base_path) if model_base_path else None
    steering = {"guidance": guidance, "best_of": best_of}
    with Client(**vars(connection)) as client:
        outcome = _measured(lambda i: client.draw(caption, n, seed=i, **steering), warmup, load)
    baseline = None
    if version:
        from serving.tools.local_session import LocalSession

        with LocalSession(version) as session:
            baseline = _measured(
                lambda i: session.draw(caption, n, seed=i, **steering), warmup, load
            )
    results = _results(outcome, baseline, n)
    _print(results, outcome.first_error)
    if not outcome.milliseconds:
        raise ServingError("No request was answered.")
    if out:
        write(out, json.dumps(results, indent=2).encode())


def _measured(send: Send, warmup: int, load: LoadProfile) -> Outcome:
    """Raises ServingError where a request fails before the load begins."""
    for i in range(warmup):
        send(i)
    return measure(send, load)


def _newest(path: Path) -> Path:
    """The version to run: the folder itself, or its highest number. Raises RequestError."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = path.iterdir() if path.is_dir() else ()
    numbered = [version for version in versions if is_version(version.name)]
    if not numbered:
        raise RequestError(f"{path} holds no numbered version of a SavedModel.")
    return max(numbered, key=lambda version: int(version.name))


def _results(outcome: Outcome, baseline: Outcome | None, n: int) -> dict:
    """Latencies in ms; `ratio` is the server's median over the baseline's, None without one."""
    p50, baseline_p50 = outcome.percentile(50), baseline and baseline.percentile(50)
    return {
        "p50_ms": p50,
        "p95_ms": outcome.percentile(95),
        "p99_ms": outcome.percentile(99),
        "pictures_per_second": n * outcome.rate,
        "errors": outcome.errors,
        "session_p50_ms": baseline_p50,
        "ratio": p50 / baseline_p50 if p50 and baseline_p50 else None,
    }


def _print(results: dict, first_error: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for name, value in results.items():
        shown = f"{value:,.4g}" if isinstance(value, float) else value
        console.print(f"{name:>20}  {'-' if value is None else shown}")
    if first_error:
        console.print(f"first error: {first_error}", markup=False)
