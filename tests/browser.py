"""A real browser for tests: Debian's chromium and chromium-driver, if they are installed."""

import fcntl
import shutil
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402, F401
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

from tests.patience import PATIENCE  # noqa: E402

NO_REGISTRY = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ECONNRESET")
AXE = Path(__file__).parent / "axe"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (chromium-driver in Debian)"
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run --disable-dev-shm-usage"
)


@cache
def axe_source():
    """The script of axe-core, which npm installs beside its package.json on the first use."""
    path = AXE / "node_modules" / "axe-core" / "axe.min.js"
    if not shutil.which("npm"):
        pytest.skip("needs npm, which installs axe-core")
    with (AXE / "package.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests run in several processes
        if not path.is_file():
            _install_axe()
    return path.read_text()


def _install_axe():
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
    done = subprocess.run(command, cwd=AXE, timeout=120, capture_output=True, text=True)
    if done.returncode and any(sign in done.stderr for sign in NO_REGISTRY):
        pytest.skip(f"npm reaches no registry: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr


class Browser:
    @classmethod
    @contextmanager
    def opened(cls, folder):
        """A browser with a profile of its own, closed at the end of the block."""
        with pytest.MonkeyPatch.context() as monkeypatch:
            browser = cls(folder, monkeypatch)
            yield browser
            browser.driver.quit()

    def __init__(self, folder, monkeypatch):
        monkeypatch.setenv("SE_OFFLINE", "true")
        monkeypatch.setenv("SE_AVOID_STATS", "true")
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS.split(), f"--user-data-dir={folder / 'profile'}"]:
            options.add_argument(flag)
        self.downloads = folder / "downloads"
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads)}
        )
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(executable_path=DRIVER)
        self.driver = webdriver.Chrome(options=options, service=service)

    def look(self, width=1200, height=900, **media):
        """Size in pixels, and media features such as prefers_color_scheme="dark"."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": n.replace("_", "-"), "value": v} for n, v in media.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def violations(self):
        """What axe-core finds wrong for people who read with a keyboard or a screen reader."""
        self.run(axe_source())
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run().then((found) => done(found.violations))"
        )
        return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, fact, seconds=PATIENCE):
        return WebDriverWait(self.driver, seconds, 0.05).until(lambda _: fact())
