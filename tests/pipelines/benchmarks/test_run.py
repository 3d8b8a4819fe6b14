import pytest

from pipelines.benchmarks import input_pipeline, train_step
from pipelines.benchmarks.run import benchmark
from t2i_tf.errors import UsageError
from tests.data_folders import make_examples, write_data_folder


def test_a_model_is_timed_with_its_preset_and_the_given_batch_size(monkeypatch):
    def measure(config, *, repeats):
        assert (type(config.model).__name__, config.batch_size, repeats) == ("DrawConfig", 3, 12)
        return {"ratio": 1.5}

    monkeypatch.setattr(train_step, "measure_train_step", measure)
    result = benchmark("train-step", preset_name="align-draw-tiny", batch_size=3, repeats=12)
    assert result == {"preset": "align-draw-tiny", "batch_size": 3, "ratio": 1.5}


def test_input_is_timed_in_both_modes(monkeypatch, tmp_path):
    def measure(folder, mode, *, batch_size, windows, max_words):
        assert (folder.path, batch_size, windows, max_words) == (tmp_path, 5, 10, 16)
        return {"mode": mode, "median_seconds": 2.0, "examples_per_cpu_second": 3.0}

    monkeypatch.setattr(input_pipeline, "measure_input", measure)
    write_data_folder(tmp_path, {"train": make_examples(2)})
    assert benchmark("input", batch_size=5, data=tmp_path) == {
        "mode": "ram",
        "median_seconds": 2.0,
        "examples_per_cpu_second": 3.0,
        "stream_median_seconds": 2.0,
        "stream_examples_per_cpu_second": 3.0,
    }


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("train-stop", {}, "Did you mean 'train-step'"),
        ("input", {"repeats": 9}, "--repeats 10 or more"),
        ("generate", {"preset_name": "lapgan-tiny"}, "baseline .* not for lapgan-tiny"),
        ("input", {"preset_name": "align-drew-scenes"}, "Did you mean 'align-draw-scenes'"),
    ],
)
def test_what_cannot_be_timed(name, arguments, message):
    with pytest.raises(UsageError, match=message):
        benchmark(name, **arguments)
