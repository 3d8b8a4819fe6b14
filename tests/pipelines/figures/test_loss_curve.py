import math

import pytest

from pipelines.figures.loss_curve import LINE, loss_plot

COLUMNS = {"training": "above_floor", "validation": "val_above_floor"}


def history(*losses):
    return [
        {"seconds": 60.0 * k, "above_floor": loss, "val_above_floor": loss}
        for k, loss in enumerate(losses, 1)
    ]


def test_time_goes_right_and_loss_goes_down():
    plot = loss_plot(history(400.0, 100.0, 25.0), COLUMNS)
    (x0, y0), (x1, y1), (x2, y2) = plot.curves[0].points
    assert plot.left < x0 < x1 < x2 == plot.right
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)  # equal ratios are equally far apart
    assert plot.top < y0 < y1 < y2 < plot.bottom
    assert [tick.label for tick in plot.y_ticks] == ["50", "100", "200"]


def test_names_do_not_cover_each_other():
    plot = loss_plot(history(400.0, 100.0), COLUMNS)
    first, second = sorted(curve.label_y for curve in plot.curves)
    assert second - first >= LINE


def test_what_a_logarithm_cannot_take_is_left_out():
    plot = loss_plot(history(400.0, math.nan, -1.0, math.inf, 100.0), COLUMNS)
    assert len(plot.curves[0].points) == 2


def test_a_single_row_is_a_point():
    plot = loss_plot(history(3.0), {"training": "above_floor", "other": "missing"})
    assert [len(curve.points) for curve in plot.curves] == [1]


def test_no_history_is_no_plot():
    assert loss_plot([], COLUMNS) is None
