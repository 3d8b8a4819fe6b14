"""What of an installation is made of other files: its requirements, and its description."""

import re
import shutil
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """The pins of requirements*.txt as compatible releases: `~=1.2.3`, any 1.2 from 1.2.3 on."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line.replace("==", "~=") for line in lines if line and not line.startswith("-")]


def description() -> str:
    """README.md for package indexes, where its links to files of the project would lead nowhere."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"!\[([^]]*)\]\((?!http)[^)]*\)", r"*(A picture in the repository: \1.)*", text)
    return re.sub(r"\[([^]]*)\]\((?!http)[^)]*\)", r"\1", text)


EXTRAS = {
    file.stem.removeprefix("requirements-"): requirements(file.name)
    for file in sorted(ROOT.glob("requirements-*.txt"))
    if file.stem != "requirements-dev"
}

shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # or files since removed are packed too
setup(
    install_requires=requirements("requirements.txt"),
    extras_require=EXTRAS,
    long_description=description(),
    long_description_content_type="text/markdown",
)
