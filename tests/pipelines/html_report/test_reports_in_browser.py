"""The two reports in a real browser: accessibility, widths, commands that can be copied."""

import re

import pytest

from pipelines.comparison import report as comparison_report
from pipelines.demo import report as demo_report
from tests.browser import Browser, By, needs_browser
from tests.pipelines.comparison.test_report import data
from tests.pipelines.demo.test_report import facts

__all__ = ["data", "facts"]  # fixtures
pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser.opened(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(params=["demo", "comparison"])
def report(request, tmp_path):
    if request.param == "demo":
        return demo_report.write_report(tmp_path, request.getfixturevalue("facts"))
    path = tmp_path / "report.html"
    comparison_report.write_report(path, request.getfixturevalue("data"))
    return path


def test_accessibility_and_widths(browser, report):
    browser.driver.get(report.as_uri())
    for details in browser.driver.find_elements(By.CSS_SELECTOR, "details"):
        browser.run("arguments[0].open = true", details)
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            browser.look(width, prefers_color_scheme=scheme)
            assert browser.violations() == []
            assert browser.run("return document.documentElement.scrollWidth") <= width


def test_commands_are_copied_and_reached_by_keyboard(browser, report):
    browser.driver.get(report.as_uri())
    pre = browser.find(".command pre")
    assert pre.get_attribute("tabindex") == "0"
    assert pre.value_of_css_property("white-space").startswith("pre-wrap")
    button = browser.find(".command button")
    button.click()
    browser.wait(lambda: button.text == "Copied")
    assert pre.get_attribute("textContent").startswith("python -m pipelines ")


def test_a_command_wraps_between_its_words(browser, report):
    browser.look(390)
    browser.driver.get(report.as_uri())
    words = browser.driver.find_elements(By.CSS_SELECTOR, ".command span")
    short = [word for word in words if word.text and len(word.text) < 20]
    assert short and all(word.size["height"] < 30 for word in short)


def test_tables_have_no_empty_header_and_nats_are_explained(report):
    html = report.read_text()
    headers = re.findall(r"<th[^>]*>(.*?)</th>", html, re.DOTALL)
    assert headers and all(re.sub("<[^>]*>", "", header).strip() for header in headers)
    text = re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]*>", " ", html, flags=re.DOTALL)
    first = re.search(r"\bnats?\b", text)
    assert first is None or "1.44" in text[first.start() : first.start() + 200]
