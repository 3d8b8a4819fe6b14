"""The machine and the library versions that a result was produced with."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import tensorflow as tf

LIBRARIES = ("tensorflow", "keras", "tensorflow-probability", "numpy")


def machine() -> Mapping[str, str]:
    """The parts of this machine by name, as text; what the system does not report is left out."""
    parts = {
        "processor": _processor(),
        "cores": str(os.cpu_count() or ""),
        "memory": _memory(),
        "accelerators": ", ".join(_accelerators()) or "none",
        "system": f"{platform.system()} {platform.machine()}",
    }
    return {name: text for name, text in parts.items() if text}


def machine_summary() -> str:
    """Architecture, cores and Python version of this machine, in a line."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def versions() -> Mapping[str, str]:
    """Versions of Python and of the numerical libraries."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def _processor() -> str:
    """The processor's name from /proc/cpuinfo, or else from Python."""
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
