"""The command `bench`: a server under load, and the bare Session beside it."""

import json
import math
from pathlib import Path

from rich.console import Console

from serving.client.client import Client
from serving.errors import RequestError, ServingError
from serving.options import Bench
from serving.tools.load_generator import Load, Outcome, Request, measure
from serving.tools.output_files import write


def bench(chosen: Bench) -> None:
    """Measure, print, and write the figures as JSON. Raises ServingError."""
    load = _load(chosen)
    with Client(**vars(chosen.connection)) as client:
        wanted = chosen.caption, chosen.n
        outcome = _measured(lambda i: client.draw(*wanted, seed=i), chosen.warmup, load)
    session = None
    if chosen.model_base_path:
        from serving.tools.local_session import BareSession

        with BareSession(_newest(chosen.model_base_path)) as bare:
            session = _measured(lambda i: bare.draw(*wanted, seed=i), chosen.warmup, load)
    figures = _figures(outcome, session, chosen.n)
    _print(figures, outcome)
    if chosen.out:
        write(chosen.out, json.dumps(figures, indent=2).encode())


def _load(chosen: Bench) -> Load:
    """Raises RequestError for bounds that bound nothing."""
    for name in ("clients", "requests", "n"):
        if getattr(chosen, name) < 1:
            raise RequestError(f"--{name} must be at least 1, not {getattr(chosen, name)}.")
    for name in ("seconds", "rate"):
        value = getattr(chosen, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise RequestError(f"--{name} must be more than 0, not {value:g}.")
    return Load(chosen.clients, chosen.requests, chosen.seconds, chosen.rate)


def _measured(send: Request, warmup: int, load: Load) -> Outcome:
    """Raises ServingError where a request fails before the load begins."""
    for i in range(warmup):
        send(i)
    return measure(send, load)


def _newest(path: Path) -> Path:
    """The version to run: the folder itself, or its highest number. Raises RequestError."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = path.iterdir() if path.is_dir() else ()
    numbered = [version for version in versions if version.name.isdecimal()]
    if not numbered:
        raise RequestError(f"{path} holds no numbered version of a SavedModel.")
    return max(numbered, key=lambda version: int(version.name))


def _figures(outcome: Outcome, session: Outcome | None, pictures: int) -> dict:
    """Milliseconds; `ratio` is the server's median over the Session's, None without one."""
    p50, session_p50 = outcome.percentile(50), session and session.percentile(50)
    return {
        "p50_ms": p50,
        "p95_ms": outcome.percentile(95),
        "p99_ms": outcome.percentile(99),
        "pictures_per_second": pictures * outcome.rate,
        "errors": outcome.errors,
        "session_p50_ms": session_p50,
        "ratio": p50 / session_p50 if p50 and session_p50 else None,
    }


def _print(figures: dict, outcome: Outcome) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for name, value in figures.items():
        shown = f"{value:,.4g}" if isinstance(value, float) else value
        console.print(f"{name:>20}  {'-' if value is None else shown}")
    if outcome.errors:
        console.print(f"first error: {outcome.first_error}", markup=False)
    if not outcome.milliseconds:
        raise ServingError("No request was answered.")
