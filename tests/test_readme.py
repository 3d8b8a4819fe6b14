"""The documents for readers: their commands have the flags that they name, their links lead on."""

import re
import shlex
from pathlib import Path

import pytest
import tyro

from pipelines import cli
from pipelines.t2i import COMMANDS, Command
from serving.cli import COMMANDS as SERVING
from serving.server.config import flags

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "BUILD.md", "CONTRIBUTING.md", "RESULTS.md")


def commands(text):
    """The indented command lines, as words.

    What a backslash continues is one line, and [what may be left out] is read too.
    """
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    found = [re.match(r" {4}(?:\.venv/bin/)?(python -m \w+|t2i) (.*)", line) for line in lines]
    for match in filter(None, found):
        package, words = (
            match[1].split()[-1],
            shlex.split(re.sub(r"[][]", "", match[2]), comments=True),
        )
        if package == "t2i":
            package, name = COMMANDS.get(words[0], Command("pipelines", words[0]))
            words = [name, *words[1:]]
        if package in ("pipelines", "serving"):
            yield package, words


@pytest.mark.parametrize("name", DOCUMENTS)
def test_its_commands_have_these_flags(name):
    for package, (command, *arguments) in commands((ROOT / name).read_text()):
        if package == "pipelines":
            cli._check_numbers(cli.parse([command, *arguments]))
        elif command == "serve":
            flags.parse(arguments, "serve")
        else:
            tyro.cli(SERVING[command], args=arguments)


def test_the_readme_has_commands_of_both_packages():
    found = {package for package, _ in commands((ROOT / "README.md").read_text())}
    assert found == {"pipelines", "serving"}


def anchors(path):
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_its_links_lead_to_files_and_headings(name):
    for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text()):
        if not link.startswith("http"):
            path, _, anchor = link.partition("#")
            target = ROOT / (path or name)
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link
