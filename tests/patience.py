"""How long a test waits for what comes at once on a quiet machine: a busy one is no failure."""

import time
from collections.abc import Callable

PATIENCE = 120.0  # seconds


def wait_until(fact: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Fails once `seconds` have passed without `fact`."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.05)
