"""Captions in Chinese, Arabic, German and emoji, from `prepare` to the page."""

import csv
import json
import os
import re
import unicodedata

import keras
import numpy as np
import pytest
from PIL import Image

import t2i_tf
from pipelines.cli import main as pipelines
from serving.cli import main as serving
from serving.client.client import Client
from t2i_tf import checkpoints
from t2i_tf.text.segmenter import CHARACTERS, segmenter_name
from t2i_tf.text.tokenizer import split_words
from tests.browser import CHROMIUM, DRIVER, Browser, Keys
from tests.patience import PATIENCE
from tests.serving.page_process import PageProcess
from tests.serving.server_process import ServerThread

slow = pytest.mark.slow

CAPTIONS = {
    "zh": ("一只{}的猫坐在沙发上。", ("黑色", "红色", "白色")),
    "ar": ("قطة {}، تجلس على الأريكة", ("سوداء", "حمراء", "بيضاء")),
    "de": ("Die {} Katze läuft über die Straße", ("schwarze", "rote", "weiße")),
    "emoji": ("{} 🐈🛋️ ❤️👍🏽", ("⬛", "🟥", "⬜")),
}
COLOURS = ("black", "red", "white")
CHINESE = ["一只", "红色", "的", "猫", "坐在", "沙发", "上", "。"]
GERMAN = ["die", "rote", "katze", "läuft", "über", "die", "strasse"]
ASKED = {
    "一只红色的猫坐在沙发上。": CHINESE,
    "قطة حمراء، تجلس على الأريكة": ["قطة", "حمراء", "،", "تجلس", "على", "الأريكة"],
    "DIE ROTE KATZE LÄUFT ÜBER DIE STRASSE": GERMAN,
    "🟥 🐈🛋❤👍🏽": ["🟥", "🐈", "🛋", "❤", "👍🏽"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("languages")


@pytest.fixture(scope="module")
def data(folder):
    pictures = folder / "pictures"
    pictures.mkdir()
    with (pictures / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "caption"])
        for k in range(36):
            (pattern, words), colour = list(CAPTIONS.values())[k % 4], k // 4 % 3
            Image.new("RGB", (16, 16), COLOURS[colour]).save(pictures / f"{k}.png")
            caption = pattern.format(words[colour])
            # Some keyboards, and macOS's file names, write accents apart.
            caption = unicodedata.normalize("NFD", caption) if k % 8 == 2 else caption
            rows.writerow([f"{k}.png", caption])
    out = folder / "data"
    size = ["--height", "8", "--width", "8"]
    assert pipelines(["prepare", "--input", str(pictures), "--out", str(out), *size]) == 0
    return out


@pytest.fixture(scope="module")
def run(folder, data):
    flags = ["--steps", "4", "--batch-size", "8", "--no-xla"]
    command = ["train", "--preset", "align-draw-tiny", "--data", str(data)]
    assert pipelines([*command, "--workdir", str(folder / "run"), *flags]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def server(folder, run):
    models = folder / "models"
    assert serving(["export", "--workdir", str(run), "--out", str(models)]) == 0
    server = ServerThread(f"--model-base-path={models}")
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


def asked():
    """Captions and their words; without ICU, those of Chinese are its letters."""
    if segmenter_name() != CHARACTERS:
        return ASKED
    return ASKED | {"一只红色的猫坐在沙发上。": list("一只红色的猫坐在沙发上。")}


def with_unseen(caption):
    """The caption with a soft hyphen after every character, and its direction stated."""
    return "\u202b" + "\xad".join(caption) + "\u202c\u200e\u2060"


def test_the_folder_says_how_captions_are_read(data):
    header = (data / "vocabulary.txt").read_text(encoding="utf-8").splitlines()[0]
    expected = f"NFC, casefold, longest match of words by {segmenter_name()}"
    assert header == f"# t2i-tf vocabulary 2: {expected}"
    manifest = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["vocabulary"]["header"] == header
    notes = {note["what"]: note["count"] for note in manifest["notes"]}
    assert [n for what, n in notes.items() if what.startswith("Captions without spaces")] == [9]
    assert [n for what, n in notes.items() if "NFC" in what]


@slow
def test_a_run_knows_every_word(run):
    vocabulary = checkpoints.load(run).vocabulary
    for caption, words in asked().items():
        for form in ("NFC", "NFD"):
            assert split_words(unicodedata.normalize(form, caption), vocabulary) == words
        assert split_words(with_unseen(caption), vocabulary) == words
        assert all(word in vocabulary for word in words)


@slow
def test_a_keras_file_keeps_how_captions_are_read(folder, run):
    t2i_tf.TextToImage.from_preset(run).save(folder / "model.keras")
    model = keras.saving.load_model(folder / "model.keras")
    assert model.vocabulary.header
    assert not model.unknown_words(list(ASKED))
    steps = model.generate_steps(list(ASKED), seed=3)
    assert list(map(list, steps.words)) == list(asked().values())


@slow
def test_captions_are_drawn_into_figures(folder, run, capsys):
    out = folder / "drawings"
    command = ["generate", "--workdir", str(run), *ASKED, "--out", str(out)]
    assert pipelines(command) == 0
    assert "not know" not in capsys.readouterr().out
    made = sorted(path.name for path in out.iterdir())
    assert len([name for name in made if name.endswith(".gif")]) == 4, made


@slow
def test_the_server_reads_the_same_words(server):
    with Client(server.address, timeout=PATIENCE) as client:
        for caption, words in asked().items():
            drawing = client.draw_steps(unicodedata.normalize("NFD", caption), n=1, seed=3)[0]
            assert list(drawing.words) == words
            assert all(drawing.known)
            again = client.draw_steps(caption, n=1, seed=3)[0]
            np.testing.assert_array_equal(drawing.canvases, again.canvases)
            unseen = client.draw_steps(with_unseen(caption), n=1, seed=3)[0]
            assert list(unseen.words) == words
            np.testing.assert_array_equal(unseen.canvases, again.canvases)


@slow
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")
def test_the_page_shows_the_words_in_their_direction(folder, server):
    page = PageProcess(folder, server.address).wait_until_ready()
    try:
        with Browser.opened(folder) as browser:
            browser.look(prefers_reduced_motion="reduce")
            browser.driver.get(page.url)
            for k, (caption, words) in enumerate(asked().items()):
                field = browser.find("#prompt")
                browser.run("arguments[0].value = arguments[1]", field, caption)
                field.send_keys(Keys.ENTER)
                drawn = f"Drawn: {caption}"
                browser.wait(
                    lambda drawn=drawn: (
                        browser.find("#status").get_attribute("textContent") == drawn
                    )
                )
                assert browser.text("#words").split() == words
                assert not browser.find("#unknown").is_displayed()
                count = browser.text("#count")
                assert count.startswith("about ") == (k != 2)
                assert k in (0, 3) or int(re.search(r"\d+", count)[0]) == len(words)
                left = browser.run(
                    "return [...document.querySelectorAll('.word')]"
                    ".map((word) => word.getBoundingClientRect().left)"
                )
                assert (left[0] > left[1]) == (k == 1)  # Arabic begins at the right
                direction = browser.find("#prompt").value_of_css_property("direction")
                assert direction == ("rtl" if k == 1 else "ltr")
                if "OUT" in os.environ:
                    browser.driver.save_screenshot(f"{os.environ['OUT']}/page-{k}.png")
    finally:
        page.stop()
