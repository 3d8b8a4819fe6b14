"""Results of `evaluate` as plain values, made by hand."""

import dataclasses

from pipelines.evaluation.settings import Sizes


def figure(value, half=0.5):
    return {"value": value, "low": value - half, "high": value + half}


def point(value):
    return {"value": value, "low": None, "high": None}


def retrieval(first, median=20):
    recalls = {f"r_at_{k}": figure(first * k) for k in (1, 5, 10, 50)}
    return recalls | {"median_rank": figure(median, 2)}


def evaluation(system="alignDRAW", first=1.5, bound=-1550.0, sharpened=None):
    """Results of a system with a bound, on the scenes."""
    accuracy = {"colour": figure(0.9, 0.02), "background": figure(1.0, 0.0), "object": None}
    return {
        "system": system,
        "bound": {
            "train": figure(bound + 1),
            "test": figure(bound),
            "test_sharpened": sharpened,
            "test_minus_floor": figure(-60.0),
            "importance_weighted": figure(bound + 10),
        },
        "retrieval": retrieval(first) | {"bound_alone": retrieval(1.0), "s10": retrieval(2.0)},
        "ssim": {"mean": figure(0.25, 0.01), "spread": figure(0.125, 0.01), "sharpened": None},
        "caption_accuracy": {"seen": accuracy, "held_out": accuracy, "judge": accuracy},
        "diversity": {"drawn": figure(0.1, 0.01), "real": figure(0.12, 0.01), "captions": 9},
        "precision_recall": {
            "classifier": {"precision": point(0.75), "recall": point(0.5)},
            "inception": None,
        },
        "kid": {"classifier": point(0.0125), "inception": None},
        "settings": {
            "sharpen": None,
            "split": "test",
            "seed": 0,
            "sizes": dataclasses.asdict(Sizes()),
        },
    }


def gan_evaluation():
    """Results of a GAN: no bound, and so no retrieval."""
    return evaluation("LAPGAN") | {"bound": None, "retrieval": None}
