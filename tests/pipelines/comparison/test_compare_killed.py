"""The command in its own process, killed with `kill -9` and started again, with tiny systems."""

import json
import subprocess
import sys
import time

import pytest

from tests.data_folders import make_examples, write_data_folder

SYSTEMS = ("noalign-draw", "align-draw")


@pytest.fixture
def command(tmp_path):
    splits = {
        name: make_examples(count, seed=seed, shape=(8, 8, 3), prefix=name)
        for seed, (name, count) in enumerate({"train": 60, "val": 20, "test": 20}.items())
    }
    data = write_data_folder(tmp_path / "data", splits)
    flags = ["--data", str(data), "--workdir", str(tmp_path / "compare"), "--minutes", "0.5"]
    flags += ["--world", "tiny", "--systems", *SYSTEMS]
    flags += ["--without", "sharpener", "captioner", "studies"]
    return [sys.executable, "-m", "pipelines", "compare", *flags]


def checkpoints(workdir):
    return {path.name: path.stat().st_mtime_ns for path in workdir.glob("checkpoints/*.npz")}


@pytest.mark.slow
def test_a_killed_comparison_resumes_with_the_second_system(command, tmp_path):
    workdir = tmp_path / "compare"
    first, second = (workdir / system for system in SYSTEMS)
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while run.poll() is None and not checkpoints(second):
        time.sleep(0.02)
    run.kill()
    assert run.wait() == -9, "it ended before it could be killed"
    begun, trained = max(checkpoints(second)), checkpoints(first)
    done = subprocess.run(command, capture_output=True, text=True)
    assert "[1/5] Train noalignDRAW: already done" in done.stdout
    assert checkpoints(first) == trained and max(checkpoints(second)) > begun
    # The test split has too few pictures to search among, so that measuring fails.
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "Measure alignDRAW failed: Retrieval among 100 candidates" in done.stdout
    record = json.loads((workdir / "compare.json").read_text())
    assert set(record["failed"]) == {"Measure noalignDRAW", "Measure alignDRAW"}
    assert all(record["runs"][system]["ended"] for system in SYSTEMS)
    html = (workdir / "report.html").read_text()
    assert html.count('class="pixels"') == 3 * 4  # the real pictures and two systems'
    names = {path.name for path in workdir.iterdir() if path.is_file()}
    results = {"tables.md", "tables.json", "report.html", "gallery.png"}
    assert names == {"compare.json", ".lock"} | results
