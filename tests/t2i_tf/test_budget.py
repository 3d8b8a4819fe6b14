import pytest

from t2i_tf.budget import budget_in_words, share_done
from t2i_tf.config import TrainConfig

DONE = {"elapsed": 30.0, "steps_per_epoch": 10}


@pytest.mark.parametrize(
    ("settings", "progress", "share", "words"),
    [
        ({"steps": 100}, DONE, 0.4, "100 steps"),
        ({"steps": 40}, DONE, 1.0, "40 steps"),
        ({"minutes": 2.0, "steps": 40}, DONE, 0.25, "2 minutes"),
        ({"epochs": 5}, DONE, 0.8, "5 epochs"),
        ({"epochs": 5}, {"elapsed": 30.0}, None, "5 epochs"),  # of an earlier version
        ({"minutes": 2.0}, {}, None, "2 minutes"),
        ({"steps": 100, "patience": 2}, DONE, 1.0, "100 steps"),  # two epochs after the best
        ({"steps": 100, "patience": 3}, DONE, 0.4, "100 steps"),
        ({"steps": 100, "patience": 3, "report_every": 5}, DONE, 1.0, "100 steps"),
    ],
)
def test_the_share_of_a_training_at_step_40_whose_best_is_20(settings, progress, share, words):
    config = TrainConfig(**settings)
    assert share_done(config, 40, 20, progress) == share
    assert budget_in_words(config) == words
