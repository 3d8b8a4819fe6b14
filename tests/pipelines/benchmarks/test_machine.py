import os
import platform

from pipelines.benchmarks.machine import machine, machine_summary, versions


def test_the_parts_of_the_machine_are_text():
    parts = machine()
    assert parts["cores"].isdigit() and all(parts.values())
    assert versions()["tensorflow"].startswith("2.")


def test_the_summary_is_a_line():
    architecture, cores, python = machine_summary().split(", ")
    assert architecture == platform.machine()
    assert cores == f"{os.cpu_count()} cores" and python.startswith("Python 3.")
