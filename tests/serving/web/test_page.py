"""The page in a real browser, Debian's chromium, where it is installed."""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from serving.client.client import Client
from t2i_tf.text.tokenizer import split_words
from tests.browser import Browser, By, Keys, needs_browser
from tests.serving.page_process import PageProcess
from tests.serving.server_process import free_port

pytestmark = needs_browser
CAPTION = "a zebra is flying in blue skies"
PIXELS = """
const canvas = document.querySelector(arguments[0]);
const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
return [canvas.height, canvas.width, Array.from(image.data)];
"""

WITHOUT_ATTENTION = """
const real = window.fetch;
window.fetch = async (path, options) => {
  const answer = await (await real(path, options)).json();
  for (const drawing of answer.drawings ?? []) {
    const [, height, width] = drawing.shape;
    drawing.windows.fill([0, 0, height - 1, width - 1]);
    drawing.alignment.forEach((row) => row.fill(0));
  }
  return new Response(JSON.stringify(answer));
};
"""  # as of a VAE


class PageBrowser(Browser):
    def press(self, *keys):
        self.run("document.activeElement.blur()")
        for key in keys:
            self.find("body").send_keys(key)

    def pixels(self, selector="#canvas"):
        height, width, values = self.run(PIXELS, selector)
        return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]

    def step(self):
        return int(self.text("#step-value").split("/")[0] or 0)

    def draw(self, caption, n=1, seed=0):
        for selector, value in {"#prompt": caption, "#n": n, "#seed": seed}.items():
            field = self.find(selector)
            self.run("arguments[0].value = arguments[1]", field, str(value))
        self.find("#prompt").send_keys(Keys.ENTER)

    def drawn(self, caption, n=1, seed=0):
        """Draws, and waits for the last step."""
        self.draw(caption, n, seed)
        self.wait(lambda: self.find("#status").get_attribute("textContent") == f"Drawn: {caption}")
        self.wait(lambda: self.find("#stage.finished"))


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with PageBrowser.opened(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(chromium, page):
    """The browser at the page, of desktop size and with reduced motion: drawings are not played."""
    chromium.look(prefers_reduced_motion="reduce")
    chromium.driver.get(page.url)
    chromium.wait(lambda: chromium.find("#canvas").is_displayed())
    return chromium


@pytest.fixture(scope="module")
def drawings(drawing_server):
    with Client(drawing_server.address) as client:
        return client.draw_steps(CAPTION, n=3, seed=4)


def test_a_caption_is_typed_and_drawn_to_the_last_step(browser, drawings):
    browser.look()
    for selector, text in {"#n": "3", "#seed": "4", "#prompt": CAPTION}.items():
        browser.find(selector).clear()
        browser.find(selector).send_keys(text)
    browser.find("#draw").click()
    browser.wait(lambda: browser.find("#play").get_attribute("aria-label") == "Pause")
    browser.wait(lambda: browser.find("#stage.finished"))
    assert browser.text("#step-value") == "10 / 10"
    assert browser.find("#play").get_attribute("aria-label") == "Play"
    assert np.array_equal(browser.pixels(), drawings[0].canvases[-1])
    assert browser.text("#words").split() == CAPTION.split()
    assert browser.find("#canvas").value_of_css_property("image-rendering") == "pixelated"
    assert browser.text("#model") == "t2i, version 1"


def test_slider_keys_window_and_glow(browser, drawings):
    browser.drawn(CAPTION, seed=4)
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert browser.step() == 8
    slider = browser.find("#step")
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.step() == 3 and slider.get_attribute("aria-valuetext") == "step 3 of 10"
    assert np.array_equal(browser.pixels(), drawings[0].canvases[2])
    glow = browser.run(
        "return [...document.querySelectorAll('.word')]"
        ".map((word) => Number(word.style.getPropertyValue('--glow')))"
    )
    alignment = drawings[0].alignment
    np.testing.assert_allclose(glow, alignment[2] / alignment.max(), atol=2e-3)
    style = browser.find("#frame .line").get_attribute("style")
    box = [float(re.search(rf"\b{name}: ([\d.]+)px", style)[1]) for name in ("y", "x")]
    np.testing.assert_allclose(box, drawings[0].windows[2][:2] + 0.5, atol=1e-3)


def test_frame_and_glow_are_explained_where_there_are_any(browser):
    browser.drawn(CAPTION)
    frame = browser.find("#frame")  # whose rectangles have no area, as they are not filled
    assert frame.value_of_css_property("display") != "none"
    assert browser.find("#frame-hint").is_displayed() and browser.find("#glow-hint").is_displayed()
    browser.run(WITHOUT_ATTENTION)
    browser.drawn("a red bus")
    assert frame.value_of_css_property("display") == "none"
    assert not browser.find("#frame-hint").is_displayed()
    assert not browser.find("#glow-hint").is_displayed()
    assert browser.find(".word").get_attribute("title") == ""


def test_space_plays_and_pauses(browser):
    browser.drawn(CAPTION)
    browser.press(" ")
    assert browser.find("#play").get_attribute("aria-label") == "Pause"
    browser.wait(lambda: browser.step() >= 2)
    browser.press(" ")
    assert browser.find("#play").get_attribute("aria-label") == "Play"
    stopped = browser.step()
    time.sleep(0.4)
    assert browser.step() == stopped < 10


def test_another_picture_is_selected(browser, drawings):
    browser.drawn(CAPTION, n=3, seed=4)
    thumbnails = browser.driver.find_elements(By.CSS_SELECTOR, "#thumbnails button")
    assert [t.get_attribute("aria-label") for t in thumbnails][1] == "Picture 2, seed 5"
    thumbnails[1].click()
    assert thumbnails[1].get_attribute("aria-pressed") == "true"
    assert np.array_equal(browser.pixels(), drawings[1].canvases[-1])
    assert np.array_equal(
        browser.pixels("#thumbnails button:nth-child(3) canvas"), drawings[2].canvases[-1]
    )


def test_unknown_words_are_marked(browser):
    browser.drawn(CAPTION)
    assert browser.text(".out-of-vocabulary") == "zebra" and "“zebra”" in browser.text("#unknown")
    browser.drawn("a bus is flying")
    assert not browser.find("#unknown").is_displayed()
    browser.drawn("zebra שלום")
    assert browser.text("#unknown").startswith("The model knows none of these words")
    isolated = browser.driver.find_elements(By.CSS_SELECTOR, "#unknown bdi")
    assert [word.text for word in isolated] == ["zebra", "שלום"]
    for selector in ("#prompt", "#words", "#error"):
        assert browser.find(selector).get_attribute("dir") == "auto"


def test_words_are_counted_as_they_are_typed(browser):
    browser.drawn("a bus")
    browser.wait(lambda: browser.text("#count") == "2 of at most 16 words and marks")
    prompt = browser.find("#prompt")
    prompt.send_keys(", red" * 12)
    assert browser.text("#count") == "26 of at most 16 words and marks"
    assert "over" in browser.find("#count").get_attribute("class")
    assert "stale" in browser.find("#stage").get_attribute("class")
    prompt.send_keys(Keys.ENTER)
    browser.wait(lambda: "26 words and marks" in browser.text("#error"))
    assert "reads at most 16" in browser.text("#error")
    assert "stale" in browser.find("#stage").get_attribute("class")
    browser.drawn("a red bus")
    assert "stale" not in browser.find("#stage").get_attribute("class")


@pytest.mark.parametrize(
    "caption",
    [
        "A dog's  red ball, thrown.",
        "rock’n’roll ’n’ 'quoted' it's'",
        "naïve café – “déjà vu” 100€ ½ 3.5",
        "\t a\u00a0b\u200bc\u3000d\ufeffe ",
        "犬が、走る。 ！？ ～ ｱｲｳ",
        "foot\u00adball, \u202bdog\u202ccat\u200e\u2060",
        "שלום עולם! مرحبا، 😀😀 a/b\\\\c [x] {y} ^_^ ~~ -- ×÷",
        "",
    ],
)
def test_words_are_counted_as_the_models_split_them(browser, caption):
    script = "const done = arguments[1];"
    script += "import('/words.js').then((words) => done(words.countWords(arguments[0])))"
    assert browser.driver.execute_async_script(script, caption) == len(split_words(caption))


def test_four_pictures_vary_more_than_in_training(browser):
    """At 1.25 a trained model draws with a quarter more variety, and is right nearly as often."""
    assert browser.find("#n").get_attribute("value") == "4"
    assert browser.find("#temperature").get_attribute("value") == "1.25"
    assert "temperature=1.25" in browser.driver.current_url


def test_a_model_that_takes_guidance_has_a_slider_for_it(browser, drawing_server):
    browser.drawn(CAPTION, seed=4)
    assert "guidance" not in browser.driver.current_url
    slider = browser.find("#guidance")
    browser.wait(slider.is_displayed)
    slider.send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 6)
    browser.wait(lambda: browser.driver.current_url.endswith("guidance=1.5"))
    assert browser.text("#guidance-value") == "1.50"
    with Client(drawing_server.address) as client:
        (guided,) = client.draw_steps(CAPTION, seed=4, temperature=1.25, guidance=1.5)
    browser.wait(lambda: np.array_equal(browser.pixels(), guided.canvases[-1]))
    browser.driver.get(browser.driver.current_url)
    browser.wait(lambda: browser.find("#stage.finished"))
    browser.wait(lambda: np.array_equal(browser.pixels(), guided.canvases[-1]))
    assert browser.find("#guidance").get_attribute("value") == "1.5"


def test_a_model_that_takes_no_guidance_has_no_slider(browser):
    browser.run(
        "const real = window.fetch;"
        "window.fetch = async (path, options) => path !== 'api/model' ? real(path, options) :"
        " new Response(JSON.stringify({model: 't2i', version: 1, maxWords: 16, guided: false}))"
    )
    browser.drawn(CAPTION, seed=4)
    browser.wait(lambda: not browser.find("#guidance").is_displayed())


def test_back_and_forward_go_through_the_drawings(browser):
    browser.drawn("a red bus", seed=4)
    browser.drawn("a blue car", n=2, seed=5)
    browser.driver.back()
    browser.wait(lambda: browser.text("#words").split() == ["a", "red", "bus"])
    values = [browser.find(f"#{name}").get_attribute("value") for name in ("prompt", "n", "seed")]
    assert values == ["a red bus", "1", "4"]
    browser.driver.forward()
    browser.wait(lambda: browser.text("#words").split() == ["a", "blue", "car"])


def test_the_link_is_copied(browser):
    browser.drawn("a red bus", seed=4)
    browser.find("#link").click()
    browser.wait(lambda: browser.text("#link") == "Copied")
    browser.find("#prompt").clear()
    browser.find("#prompt").send_keys(Keys.CONTROL, "v")
    assert browser.find("#prompt").get_attribute("value") == browser.driver.current_url


@pytest.mark.parametrize(("width", "unfolded"), [(1200, True), (390, False)])
def test_settings_are_folded_on_a_phone(browser, width, unfolded):
    browser.look(width, prefers_reduced_motion="reduce")
    browser.wait(lambda: browser.find("#seed").is_displayed() == unfolded)
    if not unfolded:
        browser.find("#settings summary").click()
        browser.wait(lambda: browser.find("#seed").is_displayed())


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_of_accessibility(browser, width, scheme):
    browser.look(width, prefers_reduced_motion="reduce", prefers_color_scheme=scheme)
    browser.drawn("a zebra is flying", n=4)
    assert browser.violations() == []
    browser.draw("")
    browser.wait(lambda: browser.find("#error").is_displayed())
    assert browser.violations() == []


def test_an_example(browser):
    caption = "a green school bus is parked in the parking lot"
    browser.find(f'[aria-label="{caption}"]').click()
    browser.wait(lambda: browser.text("#words").split() == caption.split())
    assert browser.find("#prompt").get_attribute("value") == caption
    browser.wait(lambda: browser.find("#play:focus"))


def test_an_address_holds_its_drawing(browser, drawings):
    browser.drawn(CAPTION, seed=5)
    browser.driver.get(browser.driver.current_url)
    browser.wait(lambda: browser.find("#stage.finished"))
    assert np.array_equal(browser.pixels(), drawings[1].canvases[-1])


def test_what_an_address_asks_beyond_a_slider_is_said(browser, page):
    browser.driver.get(f"{page.url}?temperature=2&guidance=1.5")
    browser.wait(lambda: "temperature=1.5&guidance=1.5" in browser.driver.current_url)
    note = "The address asks for a temperature of 2. Here it is a number from 0 to 1.5 in steps"
    assert browser.text("#note") == f"{note} of 0.05, and 1.5 is taken."
    browser.driver.get(f"{page.url}?temperature=1.1&guidance=many")
    browser.wait(lambda: "guidance=2" in browser.driver.current_url)
    assert browser.text("#note").startswith("The address asks for a guidance of many. ")
    browser.find("#reseed").click()
    assert not browser.find("#note").is_displayed()


def test_downloads(browser, drawings):
    browser.drawn(CAPTION, seed=4)
    stem = browser.downloads / f"{CAPTION.replace(' ', '-')}-4"
    png, gif = stem.with_suffix(".png"), stem.with_suffix(".gif")
    raw = stem.with_name(f"{stem.name}-32x32.png")
    for button, path in {"#png": png, "#gif": gif, "#raw": raw}.items():
        browser.find(button).click()
        browser.wait(path.exists)  # a browser asks before it saves two files for one click
    assert raw.read_bytes() == drawings[0].png
    with Image.open(png) as enlarged:
        assert enlarged.size == (512, 512)
        pixels = np.asarray(enlarged.convert("RGB"))[8::16, 8::16]
    assert np.array_equal(pixels, drawings[0].canvases[-1])
    with Image.open(io.BytesIO(gif.read_bytes())) as animation:
        assert animation.n_frames > 5


def test_wrong_requests_are_explained(browser):
    for caption, n, seed, words in [
        ("", 1, 0, "caption is empty"),
        (CAPTION, 99, 0, "from 1 to 12"),
        (CAPTION, 2, 2**53 - 1, f"from 0 to {2**53 - 1}"),  # a seed that a GIF could not name
        ("x" * 4200, 1, 0, "too long"),
    ]:
        browser.draw(caption, n, seed)
        browser.wait(lambda words=words: words in browser.text("#error"))
    browser.drawn(CAPTION)
    assert not browser.find("#error").is_displayed()


def test_a_picture_is_dimmed_where_another_could_not_be_drawn(browser):
    browser.drawn(CAPTION)
    browser.run('window.fetch = async () => new Response(\'{"error": "Busy."}\', {status: 503})')
    browser.find("#reseed").click()
    browser.wait(lambda: browser.text("#error") == "Busy.")
    assert "stale" in browser.find("#stage").get_attribute("class")


def test_a_server_that_is_down(chromium, tmp_path):
    page = PageProcess(tmp_path, f"127.0.0.1:{free_port()}")
    try:
        page.wait_until_ready()
        chromium.look()
        chromium.driver.get(page.url)
        chromium.wait(lambda: "No server answers at 127.0.0.1" in chromium.text("#error"))
        assert chromium.text("#draw") == "Draw"
    finally:
        page.stop()
    chromium.find("#draw").click()
    chromium.wait(lambda: "server of this page does not answer" in chromium.text("#error"))


@pytest.mark.parametrize("width", [1200, 390, 320])
def test_nothing_is_cut_off(browser, width):
    browser.look(width, prefers_reduced_motion="reduce")
    browser.drawn("a herd of elephants is flying in blue skies and a bus in the desert", n=12)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.find("#canvas").size["width"] >= min(width - 60, 400)


def test_a_long_unknown_word_is_broken(browser):
    browser.look(390, prefers_reduced_motion="reduce")
    browser.drawn("x" * 300 + " bus")
    assert browser.run("return document.documentElement.scrollWidth") <= 390


def test_light_and_dark(browser):
    papers = []
    for scheme in ("light", "dark"):
        browser.look(prefers_color_scheme=scheme)
        colour = browser.find("body").value_of_css_property("background-color")
        papers.append(int(re.search(r"\d+", colour)[0]))
    assert papers[0] > 200 and papers[1] < 60


def test_with_reduced_motion_the_picture_appears_at_once(browser):
    browser.draw("a bus")
    browser.wait(lambda: browser.text("#words").split() == ["a", "bus"])
    assert browser.step() == 10


def test_it_asks_no_other_host_and_breaks_no_rule(browser, page):
    browser.drawn(CAPTION)
    asked = browser.run("return performance.getEntriesByType('resource').map((r) => r.name)")
    assert asked and all(name.startswith(page.url) for name in asked)
    broken = [entry["message"] for entry in browser.driver.get_log("browser")]
    assert not [text for text in broken if "Content Security Policy" in text or "Uncaught" in text]
