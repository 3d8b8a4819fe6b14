"""What a result was made with: processor, memory, accelerators, and the versions of libraries."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import tensorflow as tf

LIBRARIES = ("tensorflow", "keras", "tensorflow-probability", "numpy")


def machine() -> Mapping[str, str]:
    """The machine in words, by part; a part that it does not tell is left out."""
    told = {
        "processor": _processor(),
        "cores": str(os.cpu_count() or ""),
        "memory": _memory(),
        "accelerators": ", ".join(_accelerators()) or "none",
        "system": f"{platform.system()} {platform.machine()}",
    }
    return {part: words for part, words in told.items() if words}


def versions() -> Mapping[str, str]:
    """Of Python and of the libraries that compute."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def _processor() -> str:
    """Its name as Linux tells it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return f"{size / 2**30:.0f} GiB"


def _accelerators() -> list[str]:
    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    return [str(detail.get("device_name", "GPU")) for detail in details]
