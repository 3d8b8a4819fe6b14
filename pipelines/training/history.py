"""What `history.csv` of a run tells. It needs no TensorFlow."""

import csv
from pathlib import Path


def read_history(path: Path) -> list[dict[str, float]]:
    """The rows of a history.csv, none where it is missing; seconds, nats."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {name: float(value or "nan") for name, value in row.items()}
            for row in csv.DictReader(file)
        ]
