import pytest

from pipelines.cli import main, parse
from pipelines.training.schedule import learning_rate, without_other_budgets
from t2i_tf.budget import Budget
from t2i_tf.config import OptimizerConfig, TrainConfig
from t2i_tf.errors import UsageError
from t2i_tf.presets import preset


def test_minutes_take_precedence_over_steps_and_steps_over_epochs():
    config = TrainConfig(epochs=2, steps=7, minutes=0.5)
    assert Budget.of(config, 10) == Budget(seconds=30.0)
    assert Budget.of(TrainConfig(epochs=2, steps=7), 10) == Budget(steps=7)
    assert Budget.of(TrainConfig(epochs=2), 10) == Budget(steps=20)


def budget_of_flags(*flags, preset="align-draw-scenes"):
    """The budget of a command line, with 10 steps per epoch."""
    given = ["train", "--preset", preset, "--data", "d", "--workdir", "w", *flags]
    return Budget.of(parse(given).config, 10)


def test_without_a_budget_among_the_flags_the_presets_counts():
    assert budget_of_flags() == Budget(seconds=60 * preset("align-draw-scenes").config.minutes)
    assert budget_of_flags(preset="align-draw-tiny") == Budget(steps=12)


def test_a_budget_among_the_flags_replaces_the_presets():
    assert budget_of_flags("--steps", "3355") == Budget(steps=3355)
    assert budget_of_flags("--epochs=3") == Budget(steps=30)
    assert budget_of_flags("--minutes", "0.5") == Budget(seconds=30)
    assert budget_of_flags("--minutes", "1", preset="align-draw-tiny") == Budget(seconds=60)
    assert budget_of_flags("--epochs", "3", preset="align-draw-tiny") == Budget(steps=30)
    assert budget_of_flags("--minutes", "None", "--steps", "7") == Budget(steps=7)
    assert budget_of_flags("--model.steps", "3", "--steps", "7") == Budget(steps=7)


def test_two_budgets_among_the_flags_are_refused(capsys):
    flags = ["train", "--data", "d", "--workdir", "w", "--minutes", "2", "--steps", "7"]
    assert main(flags) == 2
    assert "Expected one budget, got --steps and --minutes" in capsys.readouterr().err


def test_a_named_budget_removes_the_others_of_a_config():
    config = TrainConfig(epochs=2, steps=7, minutes=0.5)
    assert without_other_budgets(config, []) == config
    assert without_other_budgets(config, ["epochs"]) == TrainConfig(epochs=2)
    with pytest.raises(UsageError, match="--epochs and --steps"):
        without_other_budgets(config, ["epochs", "steps"])


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


def test_the_warmup_rises_from_the_first_step_to_the_full_rate():
    config = OptimizerConfig(learning_rate=1.0, schedule="constant", warmup_steps=4)
    rates = [learning_rate(config, step, 0.0) for step in range(6)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
