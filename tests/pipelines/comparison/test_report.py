import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from pipelines.comparison.report import (
    ReportData,
    RunHistory,
    StudySection,
    render_page,
    run_curves,
    validation_plot,
    write_report,
)
from pipelines.comparison.state import ComparisonState, RunState
from pipelines.comparison.tables import build_tables
from tests.pipelines.evaluation.evaluations import evaluation, gan_evaluation

CAPTIONS = ["a <b>bus</b> & a car", "a stop sign is flying in blue skies"] * 4
DATE = "2016-05-02T09:30:00+00:00"


def history(*columns, rows=4):
    return [
        {
            "step": 10 * k,
            "seconds": 60.0 * k,
            **{name: 90.0 / k + n for n, name in enumerate(columns)},
        }
        for k in range(1, rows)
    ]


def names(plot):
    """The names of a plot's curves."""
    return set(re.findall(r">([a-zA-Z]+)</text>", plot.content)) - {"minutes"}


def png(width=1100, height=60):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def data():
    draw = history("loss", "above_floor", "val_above_floor")
    random = np.random.default_rng(0)
    return ReportData(
        state=ComparisonState(
            data="data/scenes-32",
            fingerprint="f" * 64,
            world="scenes",
            seed=3,
            started=DATE,
            commands=[
                "python -m pipelines compare --data data/scenes-32 --workdir runs --minutes 12"
            ],
            runs={
                "align-draw": RunState(
                    "align-draw-scenes",
                    "python -m pipelines train",
                    DATE,
                    12,
                    1234,
                    720.4,
                    1500.0,
                    DATE,
                ),
                "lapgan": RunState("lapgan-scenes", "python -m pipelines train", DATE),
            },
            evaluation_seconds={"align-draw": 130.0},
            failed={"Train LAPGAN": "The loss became nan at step 12."},
        ),
        data={"source": "scenes", "pictures": "32 x 32 x 3: train 20,000, test 1,000"},
        tables=build_tables({"align-draw": evaluation(), "lapgan": gan_evaluation()}),
        runs=[
            RunHistory("skip-thought", "skip-thought encoder", history("word_nll", "val_word_nll")),
            RunHistory("align-draw", "alignDRAW", draw),
            RunHistory("noalign-draw", "noalignDRAW", draw),
            RunHistory("lapgan", "LAPGAN", history("generator_loss", "discriminator_loss")),
            RunHistory("captioner", "captioner", []),
        ],
        captions=CAPTIONS,
        splits=["test", "held_out"] * 4,
        samples={
            name: random.integers(0, 256, (8, 6, 6, 3), np.uint8)
            for name in ("Real", "skipthoughtDRAW")
        },
        studied_system="alignDRAW",
        studies=[
            StudySection(
                "Flipping the colour", "It flips.", [{"caption": "a", "all": 0.5}], [png()]
            )
        ],
        budgets="Every system was trained for 12 minutes.",
        machines=[(["alignDRAW", "LAPGAN"], {"processor": "An abacus", "tensorflow": "2.21.0"})],
    )


def test_the_page_needs_nothing_beside_itself(data, tmp_path):
    write_report(tmp_path / "report.html", data)
    html = (tmp_path / "report.html").read_text()
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', html)
    assert sources and all(source.startswith("data:") for source in sources)
    assert "//" not in re.sub(r'"data:[^"]*"', "", html)
    assert "url(" not in html and "<script src" not in html
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_a_system_that_the_paper_does_not_have_is_not_taken_for_one_of_its(data):
    assert "not in it" not in render_page(data)
    data.state.runs["conv-draw"] = RunState("conv-draw-scenes", "python -m pipelines train", DATE)
    assert "ICLR 2016) and by ConvDRAW, which is not in it, all trained" in render_page(data)


def test_the_page_tells_the_facts(data):
    html = render_page(data)
    assert html.count("<bdi>a &lt;b&gt;bus&lt;/b&gt; &amp; a car</bdi></th>") == 4
    assert html.count('class="pixels"') == 16
    assert "The loss became nan" in html and "An abacus" in html and "2 May 2016, 09:30" in html
    assert "paper 68.5" in html and "paper -2042.31" in html and "1,234" in html
    assert "12 min 0 s" in html
    assert "<span>compare</span> <span>--data</span> <span>data/scenes-32</span>" in html
    assert "Flipping the colour" in html and "0.500" in html
    assert "trained for 12 minutes" in html and "<h3>alignDRAW, LAPGAN</h3>" not in html
    two = [(["alignDRAW", "LAPGAN"], {"cores": "2"}), (["captioner"], {"cores": "4"})]
    html = render_page(dataclasses.replace(data, machines=two))
    assert "<h3>alignDRAW, LAPGAN</h3>" in html and "<h3>captioner</h3>" in html


def test_of_a_run_what_it_is_judged_by_is_drawn(data):
    encoder, align, _, gan, captioner = data.runs
    assert names(run_curves(encoder).plot) == {"training", "validation"}
    assert run_curves(align).quantity == "excess NLL, nats"
    assert names(run_curves(gan).plot) == {"generator", "discriminator"}
    assert run_curves(captioner) is None
    plot = validation_plot(data.runs)
    assert names(plot) == {"alignDRAW", "noalignDRAW"}


def test_a_vae_is_drawn_by_the_likelihood_that_compares():
    vae = RunHistory("v", "VAE", history("above_floor", "bernoulli_above_floor", "val_above_floor"))
    assert names(run_curves(vae).plot) == {"training"}


def test_a_report_of_little(data):
    """Nothing drawn, studied or measured: the paper's tables, and what failed."""
    empty = {"runs": [], "captions": [], "splits": [], "samples": {}, "studies": []}
    html = render_page(dataclasses.replace(data, **empty, tables=build_tables({})))
    assert "<svg" not in html and "Studies" not in html and "paper 68.5" in html


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from tests.browser import Browser

    with Browser.opened(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


WIDER = """
const wide = [...document.querySelectorAll("body *")].filter(
  (one) => !one.closest(".scroll, pre, svg") && one.getBoundingClientRect().right > innerWidth + 1);
return wide.map((one) => one.outerHTML.slice(0, 80));
"""
CUT = """
return [...document.querySelectorAll("svg")].flatMap((svg) =>
  [...svg.querySelectorAll("text")].filter((text) =>
    text.getBBox().x + text.getBBox().width > svg.viewBox.baseVal.width)
  .map((text) => text.textContent));
"""
OVERLAPPING = """
return [...document.querySelectorAll("th")].filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => one.textContent);
"""


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(request, data, tmp_path, width, scheme):
    browser_module = pytest.importorskip("tests.browser")
    if not (browser_module.CHROMIUM and browser_module.DRIVER):
        pytest.skip("needs chromium and chromedriver (chromium-driver in Debian)")
    browser = request.getfixturevalue("chromium")
    path = tmp_path / "report.html"
    write_report(path, data)
    browser.look(width, prefers_color_scheme=scheme)
    browser.driver.get(path.as_uri())
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(WIDER) == []
    assert browser.run(CUT) == []
    assert browser.run(OVERLAPPING) == []
    paper = browser.find("body").value_of_css_property("background-color")
    assert (int(re.search(r"\d+", paper)[0]) > 200) == (scheme == "light")
    images = browser.run("return [...document.images].map((image) => image.naturalWidth)")
    assert len(images) == 17 and all(images)
    shot = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png()))
    assert shot.width == width and len(shot.convert("RGB").getcolors(1 << 20)) > 20
