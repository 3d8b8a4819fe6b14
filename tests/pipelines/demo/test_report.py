import dataclasses
import json
import math
import re

import numpy as np
import pytest

from pipelines.demo.report import (
    Flip,
    Provenance,
    ReportFacts,
    marked_words,
    write_report,
)
from pipelines.evaluation.estimate import Estimate
from pipelines.evaluation.results import CaptionAccuracy
from pipelines.html_report.rendering import duration, percent
from pipelines.sampling.sampler import Sample

RNG = np.random.default_rng(0)


def drawn(caption, seed=0, steps=3, channels=3):
    words = tuple(caption.split())
    canvases = RNG.integers(0, 256, (steps, 4, 6, channels), np.uint8)
    alignment = RNG.dirichlet(np.ones(len(words)), steps).astype(np.float32)
    return Sample(caption, seed, words, canvases[-1], canvases, alignment, np.ones((steps, 4)))


def fractions(value, place=1.0):
    return {"colour": value, "background": value, "object": value, "place": place}


def estimates(value, place=1.0):
    return {
        name: None if share is None else Estimate(share)
        for name, share in fractions(value, place).items()
    }


@pytest.fixture
def facts():
    first = drawn("a <b>bus</b> & a car")
    return ReportFacts(
        opening=[first, drawn("a bus")],
        flips=[Flip("The colour", [[drawn("a red bus", k) for k in range(4)]] * 4)],
        seen=[drawn("a boat")],
        held_out=[drawn("a house", channels=1)],
        accuracy=CaptionAccuracy(
            judge=estimates(0.99), seen=estimates(0.9), held_out=estimates(0.8, None)
        ),
        judged=500,
        history=[
            {"step": 10 * k, "seconds": 6.0 * k, "above_floor": 90.0 / k, "val_above_floor": 80.0}
            for k in (1, 2, 3)
        ],
        provenance=Provenance(
            preset="align-draw-tiny",
            training_steps=1234,
            training_seconds=272.4,
            training_pictures=20_000,
            cores=2,
            versions={"tensorflow": "2.21.0"},
            stage_seconds={"Train": 280.0},
            command="python -m pipelines demo",
            next_commands={"Draw": 'python -m pipelines generate "a bus"'},
        ),
    )


def test_the_accuracies_are_fractions(facts, tmp_path):
    write_report(tmp_path, facts)
    assert json.loads((tmp_path / "report.json").read_text()) == {
        "training_seconds": 272.4,
        "judge_accuracy": fractions(0.99),
        "caption_accuracy": {"seen": fractions(0.9), "held_out": fractions(0.8, None)},
    }


def test_the_page_needs_nothing_beside_itself(facts, tmp_path):
    path = write_report(tmp_path, facts)
    html = path.read_text()
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', html)
    assert sources and all(source.startswith("data:") for source in sources)
    assert "//" not in re.sub(r'"data:[^"]*"', "", html)
    assert "url(" not in html and "<script src" not in html
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_the_page_shows_the_facts(facts, tmp_path):
    html = write_report(tmp_path, facts).read_text()
    assert "4 min 32 s" in html and "1,234 steps" in html and "500 drawings" in html
    assert "a &lt;b&gt;bus&lt;/b&gt; &amp; a car" in html
    assert html.count("image/gif") == len(facts.opening)
    assert html.count("<svg") == 1
    assert ">training</text>" in html and ">validation</text>" in html
    assert html.count('class="cell"') == facts.opening[0].alignment.size


def test_a_run_without_history_has_a_report_too(facts, tmp_path):
    html = write_report(tmp_path, dataclasses.replace(facts, history=[])).read_text()
    assert "left no history" in html and "<svg" not in html


def test_words_that_differ_are_marked():
    rows = [[drawn("a red bus")], [drawn("a green bus")]]
    assert marked_words(rows)[1] == [("a", False), ("green", True), ("bus", False)]


def test_numbers_as_people_read_them():
    assert (duration(7.26), duration(59.97), duration(3600)) == ("7.3 s", "1 min 0 s", "60 min 0 s")
    assert (percent(0.915), percent(math.nan)) == ("91.5\N{NO-BREAK SPACE}%", "–")
