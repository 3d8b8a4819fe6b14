import pytest

from pipelines.cli import main
from t2i_tf import checkpoints
from t2i_tf.config import TrainConfig
from t2i_tf.errors import UserError

HUGE = str(2**64 - 1)


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("train", "--minutes 0"),
        ("train", "--minutes -1"),
        ("train", "--minutes nan"),
        ("train", "--steps -5"),
        ("train", "--epochs 0"),
        ("train", f"--steps {HUGE}"),
        ("train", "--batch-size 0"),
        ("train", "--overfit 0"),
        ("train", "--checkpoint-seconds -1"),
        ("train", f"--seed {HUGE}"),
        ("train", "--seed 1073741824"),
        ("train", "--optimizer.learning-rate inf"),
        ("train", "--optimizer.ema 1"),
        ("train", "--model.steps 0"),
        ("train", "--model.scales 4 --model.steps 3 --preset conv-draw-tiny"),
        ("train", "--min-words 31"),
        ("train", "--patience -1"),
        ("train", "--caption-dropout 1"),
        ("train", "--word-dropout 1"),
        ("train", "--caption-dropout -0.1"),
        ("generate", "--n 0"),
        ("generate", "--guidance -0.5"),
        ("generate", "--guidance 21"),
        ("generate", "--guidance nan"),
        ("generate", "--best-of 0"),
        ("generate", "--temperature inf"),
        ("generate", "--temperature nan"),
        ("generate", f"--seed {HUGE}"),
        ("generate", "--seed -1"),
        ("gallery", f"--seed {HUGE}"),
        ("caption", "--limit 0"),
        ("caption", "--beam 0"),
        ("study", "--seeds 0"),
        ("evaluate", "--captions 0"),
        ("compare", "--minutes 0"),
        ("demo", "--minutes -2"),
        ("benchmark", "--batch-size 0"),
    ],
)
def test_a_number_that_cannot_be_exits_with_2_and_names_its_flag(command, flags, tmp_path, capsys):
    place = str(tmp_path / "run")
    needed = {
        "train": ["--data", place, "--workdir", place],
        "generate": ["a cat", "--workdir", place],
        "gallery": ["a cat", "--workdirs", place],
        "caption": ["a.png", "--workdir", place],
        "study": ["objects", "--workdir", place],
        "evaluate": ["--data", place, "--workdir", place],
        "compare": ["--data", place, "--workdir", place],
        "demo": ["--folder", place],
        "benchmark": ["train-step"],
    }
    assert main([command, *needed[command], *flags.split()]) == 2
    error = capsys.readouterr().err
    assert f"Expected {flags.split()[0]} to be" in error and "got" in error


def test_a_config_that_was_edited_by_hand_is_named_with_its_file(tmp_path):
    checkpoints.write_config(tmp_path, TrainConfig())
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"batch_size": 100', '"batch_size": 0'))
    with pytest.raises(UserError, match=r"config\.json: Expected --batch-size to be 1 or more"):
        checkpoints.read_config(tmp_path)
