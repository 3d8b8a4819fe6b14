"""Presets: a config under a name, with its command, its cost and what to expect of it."""

from dataclasses import dataclass, replace

from t2i_tf.config import DrawConfig, OptimizerConfig, TrainConfig
from t2i_tf.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Preset:
    """A config, the data it is meant for, and what a run costs and gives."""

    config: TrainConfig
    data: str
    """The command that makes its data folder."""
    cost: str
    """Time and machine, as measured, or as reported where it says so."""
    expect: str
    """What a run should give."""

    def command(self, name: str) -> str:
        """The command that trains it."""
        return f"python -m pipelines train --preset {name} --data DATA --workdir runs/{name}"


_COCO = TrainConfig(min_words=7, max_words=29)
_MNIST_MODEL = DrawConfig(
    height=60,
    width=60,
    channels=1,
    vocabulary_size=24,
    encoder_units=300,
    decoder_units=300,
    latent_units=150,
    read_size=8,
    write_size=8,
    initial_canvas=-10.0,
)
_MNIST = TrainConfig(
    model=_MNIST_MODEL,
    optimizer=OptimizerConfig(drop_at=110 / 150),
    epochs=150,
    max_words=12,
)
_SCENES_MODEL = DrawConfig(
    vocabulary_size=110,
    steps=10,
    embedding_units=128,
    caption_units=128,
    align_units=128,
    encoder_units=384,
    decoder_units=384,
    latent_units=48,
    read_size=8,
    write_size=8,
    initializer="glorot",
)
_SCENES = TrainConfig(
    model=_SCENES_MODEL,
    optimizer=OptimizerConfig(
        name="adam", learning_rate=4e-3, schedule="cosine", warmup_steps=100, ema=0.99
    ),
    batch_size=64,
    minutes=4.0,
    max_words=16,
    length_multiple=16,
    report_every=250,
)
_TINY_MODEL = DrawConfig(
    vocabulary_size=110,
    steps=3,
    embedding_units=8,
    caption_units=8,
    align_units=8,
    encoder_units=16,
    decoder_units=16,
    latent_units=4,
    read_size=4,
    write_size=4,
    initializer="glorot",
)
_TINY = TrainConfig(
    model=_TINY_MODEL,
    optimizer=OptimizerConfig(name="adam", schedule="cosine", ema=0.9),
    batch_size=8,
    steps=12,
    max_words=16,
    length_multiple=16,
    report_every=6,
    validation_pictures=16,
)


def _average(config: TrainConfig) -> TrainConfig:
    return replace(config, model=replace(config.model, conditioning="average"))


_SCENES_DATA = (
    "python -m pipelines scenes data/scenes && "
    "python -m pipelines prepare --source coco --input data/scenes --out data/scenes-32"
)
_MNIST_DATA = "python -m pipelines prepare --source mnist-captions --out data/mnist-captions"
_COCO_DATA = "python -m pipelines prepare --source coco --input COCO --out data/coco-32"

PRESETS = {
    "align-draw-scenes": Preset(
        _SCENES,
        data=_SCENES_DATA,
        cost="under 5 minutes on two cores",
        expect="pictures whose colour, background, place and object are those of the caption",
    ),
    "noalign-draw-scenes": Preset(
        _average(_SCENES),
        data=_SCENES_DATA,
        cost="under 5 minutes on two cores",
        expect="much as align-draw-scenes: the captions are short",
    ),
    "align-draw-mnist": Preset(
        _MNIST,
        data=_MNIST_DATA,
        cost="150 epochs: a GPU is advised",
        expect="two digits, or one, at the places that the caption names",
    ),
    "noalign-draw-mnist": Preset(
        _average(_MNIST),
        data=_MNIST_DATA,
        cost="150 epochs: a GPU is advised",
        expect="as align-draw-mnist",
    ),
    "align-draw-coco": Preset(
        _COCO,
        data=_COCO_DATA,
        cost="18 epochs of about 4,000 steps: a GPU is advised",
        expect="the paper reports a bound of -1791.53 nats on its test split",
    ),
    "noalign-draw-coco": Preset(
        _average(_COCO),
        data=_COCO_DATA,
        cost="18 epochs of about 4,000 steps: a GPU is advised",
        expect="the paper reports a bound of -1791.15 nats on its test split",
    ),
    "align-draw-tiny": Preset(
        _TINY,
        data=_SCENES_DATA,
        cost="seconds",
        expect="nothing to look at: it is for tests",
    ),
    "noalign-draw-tiny": Preset(
        _average(_TINY),
        data=_SCENES_DATA,
        cost="seconds",
        expect="nothing to look at: it is for tests",
    ),
}


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        UsageError: there is none; says which is closest.
    """
    if name not in PRESETS:
        raise UsageError(f"No preset is called {name!r}. {did_you_mean(name, PRESETS)}")
    return PRESETS[name]
