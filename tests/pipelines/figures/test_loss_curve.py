import math
import re
from itertools import pairwise

import pytest

from pipelines.figures.loss_curve import FONT, loss_plot, series_plot

COLUMNS = {"training": "above_floor", "validation": "val_above_floor"}


def history(*losses):
    return [
        {"seconds": 60.0 * k, "above_floor": loss, "val_above_floor": loss}
        for k, loss in enumerate(losses, 1)
    ]


def curve(plot, colour="second"):
    """The points of the curve of a colour, x and y from the upper left corner."""
    paths = re.findall(r'<path d="([^"]*)" style="([^"]*)"', plot.content)
    path = next(path for path, style in paths if f"stroke: var(--{colour})" in style)
    return [tuple(map(float, point)) for point in re.findall(r"[ML] (\S+) (\S+)", path)]


def texts(plot):
    """Text -> its x and y, pixels."""
    elements = re.findall(r'<text [^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)<', plot.content)
    return {text: (float(x), float(y)) for x, y, text in elements}


def test_time_goes_right_and_loss_goes_down():
    plot = loss_plot(history(400.0, 100.0, 25.0), COLUMNS)
    (x0, y0), (x1, y1), (x2, y2) = curve(plot)
    assert 0 < x0 < x1 < x2 < plot.width
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)  # equal ratios are equally far apart
    assert 0 < y0 < y1 < y2 < plot.height
    assert {"50", "100", "200", "minutes"} < texts(plot).keys()
    assert texts(plot)["3"][0] == pytest.approx(x2)


def test_names_do_not_cover_each_other_and_stand_in_the_order_in_which_curves_end():
    names = ["alignDRAW", "skipthoughtDRAW", "VAE", "convolutional VAE", "LAPGAN"]
    lines = {name: [(1.0, 9.0), (2.0, 1.0 + k)] for k, name in enumerate(names)}
    plot = series_plot(lines, 660)
    heights = [texts(plot)[name][1] for name in reversed(names)]
    assert all(below - above > FONT for above, below in pairwise(heights))
    assert all(texts(plot)[name][0] > curve(plot)[-1][0] for name in names)


def test_what_a_logarithm_cannot_take_is_left_out():
    plot = loss_plot(history(400.0, math.nan, -1.0, math.inf, 100.0), COLUMNS)
    assert len(curve(plot)) == 2


def test_a_single_row_is_a_dot():
    plot = loss_plot(history(3.0), {"training": "above_floor", "other": "missing"})
    assert re.search(
        r"stroke: var\(--second\); stroke-width: 6; stroke-linecap: round", plot.content
    )
    assert "training" in texts(plot) and "other" not in texts(plot)


def test_no_history_is_no_plot():
    assert loss_plot([], COLUMNS) is None


def test_the_page_gives_colours_and_fonts_and_holds_several_plots():
    plot = loss_plot(history(400.0, 100.0), COLUMNS)
    assert loss_plot(history(400.0, 100.0), COLUMNS) == plot
    for alien in ("#", " id=", "href", "url(", "font-family", "//", "<style"):
        assert alien not in plot.content
