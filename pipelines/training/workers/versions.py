"""What has to be equal on all workers of a training besides its settings and its data."""

import hashlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

ROOT = Path(__file__).parents[3]
PACKAGES = ("t2i_tf", "pipelines")


def versions() -> dict[str, str]:
    """The versions of the libraries that compute, and a hash of this project's code."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return {
        "the code": digest.hexdigest()[:12],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
