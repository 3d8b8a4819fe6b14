import pytest

from pipelines.training.schedule import Budget, learning_rate
from t2i_tf.config import OptimizerConfig, TrainConfig


def test_minutes_go_before_steps_before_epochs():
    config = TrainConfig(epochs=2, steps=7, minutes=0.5)
    assert Budget.of(config, 10) == Budget(seconds=30.0)
    assert Budget.of(TrainConfig(epochs=2, steps=7), 10) == Budget(steps=7)
    assert Budget.of(TrainConfig(epochs=2), 10) == Budget(steps=20)


def test_progress_counts_what_the_budget_counts():
    assert Budget(steps=10).progress(5, elapsed=1e6) == 0.5
    assert Budget(seconds=10).progress(10**6, elapsed=2.5) == 0.25
    assert Budget(steps=10).progress(11, elapsed=0) == 1.0


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        ("constant", 0.99, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 0.5, 0.5),
        ("cosine", 1.0, 0.0),
        ("step", 0.59, 1.0),
        ("step", 0.61, 0.1),
    ],
)
def test_schedules(schedule, progress, factor):
    config = OptimizerConfig(learning_rate=0.2, schedule=schedule, drop_at=0.6)
    assert learning_rate(config, 1000, progress) == pytest.approx(0.2 * factor)


def test_the_warm_up_rises_from_the_first_step_to_the_whole_rate():
    config = OptimizerConfig(learning_rate=1.0, schedule="constant", warmup_steps=4)
    rates = [learning_rate(config, step, 0.0) for step in range(6)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
