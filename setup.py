"""The requirements of an installation: the pins of requirements*.txt, as compatible releases."""

import shutil
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """The lines of a requirements file: `==1.2.3` becomes `~=1.2.3`, any 1.2 from 1.2.3 on."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line.replace("==", "~=") for line in lines if line and not line.startswith("-")]


EXTRAS = {
    file.stem.removeprefix("requirements-"): requirements(file.name)
    for file in sorted(ROOT.glob("requirements-*.txt"))
    if file.stem != "requirements-dev"
}

shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # or files since removed are packed too
setup(install_requires=requirements("requirements.txt"), extras_require=EXTRAS)
