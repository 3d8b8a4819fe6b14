"""The wheel, as `pip` builds it from a clean copy of what git tracks, and the command in it."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines import t2i

ROOT = Path(__file__).parents[1]
PACKAGES = ("t2i_tf", "pipelines", "serving")


def run(*command, **options):
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, **options
    )


def tracked(*paths):
    return run("git", "ls-files", *paths, cwd=ROOT).stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (ROOT / ".git").exists():
        pytest.skip("what belongs into the wheel is what git tracks, and this is no clone")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked(*PACKAGES, "*.toml", "*.in", "setup.py", "*.txt", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", out, source)
    if "Could not find a version that satisfies the requirement setuptools" in built.stderr:
        pytest.skip("no package registry is reachable")
    assert built.returncode == 0, built.stderr
    return next(out.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert set(tracked(*PACKAGES)) <= set(names)


@pytest.mark.slow
def test_its_requirements_are_the_pins_as_compatible_releases(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA")))
    required = [
        line.removeprefix("Requires-Dist: ")
        for line in metadata.decode().splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    pins = (ROOT / "requirements.txt").read_text().split()
    assert required == [pin.replace("==", "~=") for pin in pins]


@pytest.mark.slow
def test_its_description_has_no_link_that_leads_nowhere_on_a_package_index(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA")))
    text = metadata.decode()
    assert "Description-Content-Type: text/markdown" in text
    assert "*(A picture in the repository: Captions of scenes and of photographs" in text
    assert "BUILD.md covers the rest" in text and "`straße`" in text
    assert not re.search(r"\]\((?!http)", text.partition("\n\n")[2])


@pytest.mark.slow
def test_the_installed_command_works_outside_the_checkout(wheel, tmp_path):
    """The requirements are those of this environment: installing them anew takes minutes."""
    target = tmp_path / "site"
    installed = run(sys.executable, "-m", "pip", "install", "--no-deps", "-t", target, wheel)
    assert installed.returncode == 0, installed.stderr
    environment = os.environ | {"PYTHONPATH": str(target)}
    command = [sys.executable, target / "bin" / "t2i"]
    version = run(*command, "--version", cwd=tmp_path, env=environment)
    assert version.stdout == "t2i 0.1.0\n", version.stderr
    few = ["--train", 6, "--val", 2, "--test", 2]
    made = run(*command, "scenes", "s", *few, cwd=tmp_path, env=environment)
    assert made.returncode == 0 and (tmp_path / "s" / "annotations").is_dir(), made.stderr


def test_help_lists_every_command_of_both_packages(capsys):
    assert t2i.main(["--help"]) == 0
    shown = capsys.readouterr().out
    from pipelines.cli import COMMANDS as pipelines_commands
    from serving.cli import COMMANDS as serving_commands

    both = {("pipelines", name) for name in pipelines_commands}
    both |= {("serving", name) for name in serving_commands}
    assert {tuple(command) for command in t2i.COMMANDS.values()} == both
    assert all(f"\n{name} " in shown for name in t2i.COMMANDS)


def test_a_command_has_its_own_help_and_errors(capsys):
    for name in ("query", "serve", "cluster", "train", "draw", "serving-demo"):
        with pytest.raises(SystemExit) as exit:
            t2i.main([name, "--help"])
        assert exit.value.code == 0 and f"usage: t2i {name}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit:
        t2i.main(["draw", "a bus", "--sede", "1"])
    said = capsys.readouterr().err
    assert exit.value.code == 2 and "--seed" in said and "t2i draw --help" in said
    assert "benchmark" not in said  # nor flags of any other command
    assert t2i.main(["trian"]) == 2
    assert "Did you mean 'train'?" in capsys.readouterr().err
    assert t2i.main(["prepare", "--input", "nowhere", "--out", "x"]) in (1, 2)
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--help"], ["--tyro-print-completion", "bash"]])
def test_a_reader_that_leaves_early_is_no_failure_of_ours(flags):
    command = [sys.executable, "-u", "-c", "import pipelines.t2i as t; exit(t.main())", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


START = [sys.executable, "-c", "import pipelines.t2i as t; exit(t.main())"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
@pytest.mark.parametrize(
    "flags", [["--help"], ["--tyro-print-completion", "bash"], ["query", "-h"]]
)
def test_a_full_disk_is_one_sentence(flags):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*START, *flags], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.split("\n", 1)[0].endswith("No space left on device.")
    assert "Traceback" not in done.stderr and "ignored" not in done.stderr


@pytest.mark.parametrize("command", ["draw", "query"])
def test_closed_streams_go_nowhere(command):
    """Their numbers are taken, or the next files opened would get them, and what is logged."""
    show = ["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *START, command, "--help"]
    assert subprocess.run(show, timeout=60).returncode == 0


@pytest.mark.parametrize("columns", ["0", "1"])
def test_a_terminal_without_a_width_has_help_all_the_same(columns):
    for flags in (["--help"], ["draw", "--help"]):
        shown = run(*START, *flags, env=os.environ | {"COLUMNS": columns}).stdout
        assert "usage" in shown and len(shown) > 1000


@pytest.mark.parametrize("module", ["standard_streams.py", "command_words.py"])
def test_both_packages_treat_streams_and_command_words_alike(module):
    one, other = (ROOT / name / module for name in ("pipelines", "serving"))
    assert one.read_text() == other.read_text()


def test_a_completion_has_the_commands(capsys):
    with pytest.raises(SystemExit):
        t2i.main(["--tyro-print-completion", "bash"])
    shown = capsys.readouterr().out
    assert "draw" in shown and "serving-demo" in shown
