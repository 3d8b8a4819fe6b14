"""Presets: named configs, each with its command, its cost and the result to expect."""

from dataclasses import dataclass, replace
from functools import partial

from t2i_tf.config import (
    CaptionerConfig,
    ConvDrawConfig,
    DrawConfig,
    LapganConfig,
    OptimizerConfig,
    SharpeningConfig,
    SkipThoughtConfig,
    TrainConfig,
    VaeConfig,
)
from t2i_tf.errors import UsageError, did_you_mean

_DRAW = "python -m pipelines generate --workdir {workdir} {caption}"
_SHARPEN = "python -m pipelines generate --sharpen {workdir} --workdir RUN {caption}"
_CAPTION = "python -m pipelines caption --workdir {workdir} picture.png"
_NOT_MEASURED = "not measured yet"


def _encode(world: str) -> str:
    """The command that trains a drawing model on the vectors of an encoder."""
    train = f"python -m pipelines train --preset skip-thought-draw-{world} --data {{data}}"
    return f"{train} --workdir RUN --sentences {{workdir}}"


@dataclass(frozen=True)
class Preset:
    """A config, the data it is meant for, and the cost and result of a run."""

    config: TrainConfig
    data: str
    """The command that makes its data folder."""
    cost: str
    """How long a run is, with the time and the machine where they were measured."""
    expect: str
    """The result that a run should give."""
    next: str = _DRAW
    """The command that uses the trained model, with placeholders `{workdir}` and `{data}` and, for
    a caption in quotes, `{caption}`."""

    def command(self, name: str) -> str:
        """The command that trains the preset called `name`."""
        sentences = " --sentences ENCODER" if self.config.reads_sentences else ""
        train = f"python -m pipelines train --preset {name} --data DATA --workdir runs/{name}"
        return train + sentences


_SCENES_DATA = (
    "python -m pipelines scenes data/scenes && "
    "python -m pipelines prepare --source coco --input data/scenes --out data/scenes-32"
)
_MNIST_DATA = "python -m pipelines prepare --source mnist-captions --out data/mnist-captions"
_PHOTOS_DATA = "python -m pipelines prepare --input PICTURES --out data/photos-32"
_COCO_DATA = "python -m pipelines prepare --source coco --input COCO --out data/coco-32"

# Training settings for each data set, whatever the model.
_ADAM = OptimizerConfig(
    name="adam", learning_rate=1e-3, schedule="cosine", warmup_steps=100, ema=0.99
)
_FAST = replace(_ADAM, learning_rate=4e-3)
_STEADY = replace(_ADAM, learning_rate=2e-3)
_REGULARIZED = {  # for photographs, of which thousands are few
    "optimizer": replace(_FAST, weight_decay=0.3),
    "caption_dropout": 0.1,
}
_ADVERSARIAL = replace(_ADAM, learning_rate=5e-4, beta_1=0.5)
_SCENES = TrainConfig(
    optimizer=_ADAM,
    batch_size=64,
    minutes=8.0,
    max_words=16,
    length_multiple=16,
    report_every=250,
)
_PHOTOS = replace(  # captions by people: 99.9 % of Flickr8k's have at most 30 words
    _SCENES, minutes=40.0, max_words=30, length_multiple=10, report_every=500
)
_MNIST = TrainConfig(optimizer=OptimizerConfig(drop_at=110 / 150), epochs=150, max_words=12)
_MNIST_HOUR = replace(_MNIST, optimizer=_ADAM, batch_size=64, minutes=60.0, report_every=500)
_COCO = TrainConfig(min_words=7, max_words=29, length_multiple=8)  # four programs of XLA
_TINY = TrainConfig(
    optimizer=OptimizerConfig(name="adam", schedule="cosine", ema=0.9),
    batch_size=8,
    steps=12,
    max_words=16,
    length_multiple=16,
    report_every=6,
    validation_pictures=16,
)

_DRAW_MNIST = DrawConfig(
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
_DRAW_SCENES = DrawConfig(
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
_PHOTO_WORDS = 7_386  # of Flickr8k's training captions
_DRAW_PHOTOS = replace(_DRAW_SCENES, vocabulary_size=_PHOTO_WORDS, write_size=16)
_DRAW_DIGITS = replace(  # MNIST with captions on two cores: fewer and wider steps than the paper's
    _DRAW_MNIST,
    steps=12,
    embedding_units=128,
    align_units=128,
    encoder_units=384,
    decoder_units=384,
    latent_units=48,
    initializer="glorot",
)
_DRAW_TINY = DrawConfig(
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


def _draw_config(conditioning: str, model: DrawConfig) -> DrawConfig:
    """A DRAW system with the given conditioning; sentence vectors have the published width."""
    sentence_units = 4_800 if conditioning == "sentence" else 0
    return replace(model, conditioning=conditioning, sentence_units=sentence_units)


def _on_two_cores(
    base: TrainConfig, data: str, model, expect: str, next: str = _DRAW, **changes
) -> Preset:
    config = replace(base, model=model, **changes)
    cost = f"{config.minutes:.0f} minutes on two cores, a time limit of the preset"
    return Preset(config, data, cost, expect, next)


_scenes = partial(_on_two_cores, _SCENES, _SCENES_DATA)
_mnist_hour = partial(_on_two_cores, _MNIST_HOUR, _MNIST_DATA)


def _photos(model, expect: str, next: str = _DRAW, **changes) -> Preset:
    entry = _on_two_cores(_PHOTOS, _PHOTOS_DATA, model, expect, next, **changes)
    return replace(entry, cost=f"{entry.cost}; less on a GPU")


def _mnist(model, expect: str, next: str = _DRAW, **changes) -> Preset:
    config = replace(_MNIST, model=model, **changes)
    return Preset(config, _MNIST_DATA, "150 epochs: a GPU is advised", expect, next)


def _coco(model, expect: str, next: str = _DRAW, **changes) -> Preset:
    config = replace(_COCO, model=model, **changes)
    cost = "18 epochs of about 4,000 steps: a GPU is advised"
    return Preset(config, _COCO_DATA, cost, expect, next)


def _conv_draw(preset: Preset, batch_size: int, steps: int, cost: str) -> Preset:
    """ConvDRAW on a GPU, with caption dropout so that guidance works."""
    config = replace(
        preset.config,
        optimizer=_STEADY,
        caption_dropout=0.1,
        batch_size=batch_size,
        steps=steps,
        minutes=None,
    )
    cost = f"{steps:,} steps: {cost}; for two cores it is too much"
    return replace(preset, config=config, cost=cost)


def _from_coarse_to_fine(preset: Preset, size: int, scales: int, batch_size: int) -> Preset:
    """A ConvDRAW preset for pictures that are `size` pixels high and wide."""
    model = replace(preset.config.model, height=size, width=size, scales=scales)
    config = replace(preset.config, model=model, batch_size=batch_size)
    data = f"{preset.data.removesuffix('-32')}-{size} --height {size}"
    cost = f"{config.steps:,} steps: not measured yet, a GPU is advised"
    return replace(preset, config=config, data=data, cost=cost, expect=_NOT_MEASURED)


def _tiny(model, next: str = _DRAW) -> Preset:
    config = replace(_TINY, model=model)
    return Preset(config, _SCENES_DATA, "seconds", "noise: it is for tests alone", next)


# Adversarial networks that two cores train in minutes.
_SMALL_LAPGAN = LapganConfig(
    base_units=512,
    base_noise=32,
    filters=32,
    discriminator_filters=32,
    dropout=0.0,
    mismatched_captions=True,
    fidelity=20.0,
)
_SMALL_SHARPENER = SharpeningConfig(
    filters=32, discriminator_filters=32, dropout=0.0, fidelity=20.0
)
_SMALL_CAPTIONER = CaptionerConfig(
    filters=32, embedding_units=64, decoder_units=256, align_units=128, dropout=0.2
)
_GAN_ON_A_CPU = {
    "optimizer": _ADVERSARIAL,
    "batch_size": 32,
    "xla": False,  # slower than TensorFlow's own convolutions on a CPU
}
_GREY = {"height": 60, "width": 60, "channels": 1}

PRESETS = {
    "align-draw-scenes": _scenes(
        _draw_config("align", _DRAW_SCENES),
        "pictures with the object, colour, background and position of the caption",
        minutes=4.0,
        optimizer=_FAST,
    ),
    "noalign-draw-scenes": _scenes(
        _draw_config("average", _DRAW_SCENES),
        "much the same as align-draw-scenes, as the captions are short",
        minutes=4.0,
        optimizer=_FAST,
    ),
    "skip-thought-draw-scenes": _scenes(
        _draw_config("sentence", _DRAW_SCENES),
        "much the same as noalign-draw-scenes, where the sentence vector separates the words",
        minutes=4.0,
        optimizer=_FAST,
    ),
    "conv-draw-scenes": _conv_draw(
        _scenes(
            ConvDrawConfig(vocabulary_size=110),
            "pictures in which the judge finds everything that the caption says, held out or not",
        ),
        batch_size=128,
        steps=5_200,
        cost="110 seconds on an NVIDIA H200",
    ),
    "fully-connected-vae-scenes": _scenes(
        VaeConfig("fully-connected"),
        "the average picture of a caption: slightly smeared, nearly the same for every seed",
        optimizer=_STEADY,
    ),
    "conv-deconv-vae-scenes": _scenes(
        VaeConfig("convolutional"), "blurry pictures in the right colours"
    ),
    "lapgan-scenes": _scenes(
        _SMALL_LAPGAN,
        "sharp pictures that follow the caption loosely",
        **_GAN_ON_A_CPU,
    ),
    "sharpening-scenes": _scenes(
        _SMALL_SHARPENER,
        "drawings with edges as sharp as those of real pictures, and unchanged content",
        next=_SHARPEN,
        **_GAN_ON_A_CPU,
    ),
    "captioner-scenes": _scenes(
        _SMALL_CAPTIONER,
        "captions with the right object and colour for nearly every picture",
        next=_CAPTION,
        optimizer=_STEADY,
    ),
    "skip-thought-scenes": _scenes(
        SkipThoughtConfig(),
        "vectors from which a linear classifier predicts object, colour, background and position",
        next=_encode("scenes"),
        minutes=3.0,
    ),
    "align-draw-photos": _photos(
        _draw_config("align", _DRAW_PHOTOS),
        "blurry pictures with the ground, the sky and the colours of the caption",
        word_dropout=0.2,
        **_REGULARIZED,
    ),
    "noalign-draw-photos": _photos(
        _draw_config("average", _DRAW_PHOTOS),
        "much the same as align-draw-photos",
        word_dropout=0.2,
        **_REGULARIZED,
    ),
    "skip-thought-draw-photos": _photos(
        _draw_config("sentence", _DRAW_PHOTOS),
        "much the same as noalign-draw-photos, where the sentence vector separates the words",
        **_REGULARIZED,
    ),
    "conv-draw-photos": _conv_draw(
        _photos(
            ConvDrawConfig(vocabulary_size=_PHOTO_WORDS),
            "blurry pictures with ground, sky and colours of the caption, and its larger shapes",
        ),
        batch_size=64,
        steps=1_500,
        cost="30 seconds on an NVIDIA H200",
    ),
    "fully-connected-vae-photos": _photos(
        VaeConfig("fully-connected"),
        "pictures nearly independent of the caption: the paper reports retrieval at chance",
        optimizer=_STEADY,
    ),
    "conv-deconv-vae-photos": _photos(
        VaeConfig("convolutional"),
        "blurry pictures nearly independent of the caption: the paper reports retrieval at chance",
    ),
    "lapgan-photos": _photos(
        _SMALL_LAPGAN,
        "sharp pictures that follow the caption loosely",
        **_GAN_ON_A_CPU,
    ),
    "sharpening-photos": _photos(
        _SMALL_SHARPENER,
        "drawings with sharper edges, and unchanged content",
        next=_SHARPEN,
        **_GAN_ON_A_CPU,
    ),
    "captioner-photos": _photos(
        CaptionerConfig(
            vocabulary_size=_PHOTO_WORDS,
            filters=32,
            embedding_units=128,
            decoder_units=256,
            align_units=128,
            normalized_features=True,
        ),
        "plausible short captions that follow the ground of a picture, and seldom its object",
        next=_CAPTION,
        optimizer=_STEADY,
    ),
    "skip-thought-photos": _photos(
        SkipThoughtConfig(vocabulary_size=_PHOTO_WORDS),
        "vectors in which captions of one picture are near each other",
        next=_encode("photos"),
        minutes=10.0,
    ),
    "align-draw-mnist": _mnist(
        _draw_config("align", _DRAW_MNIST),
        "one or two digits, in the positions that the caption names",
    ),
    "noalign-draw-mnist": _mnist(
        _draw_config("average", _DRAW_MNIST), "the same as align-draw-mnist"
    ),
    "skip-thought-draw-mnist": _mnist(
        _draw_config("sentence", _DRAW_MNIST), "the same as align-draw-mnist"
    ),
    "conv-draw-mnist": _mnist(
        ConvDrawConfig(side=6, vocabulary_size=24, initial_canvas=-10.0, **_GREY),
        _NOT_MEASURED,
        optimizer=_STEADY,
    ),
    "fully-connected-vae-mnist": _mnist(
        VaeConfig("fully-connected", **_GREY), "blurred digits near the right positions"
    ),
    "conv-deconv-vae-mnist": _mnist(
        VaeConfig("convolutional", **_GREY), "blurred digits near the right positions"
    ),
    "lapgan-mnist": _mnist(LapganConfig(**_GREY), "sharp strokes; not every digit is legible"),
    "sharpening-mnist": _mnist(SharpeningConfig(**_GREY), "sharper strokes", next=_SHARPEN),
    "captioner-mnist": _mnist(
        CaptionerConfig(**_GREY), "captions with the right digits and positions", next=_CAPTION
    ),
    "skip-thought-mnist": _mnist(
        SkipThoughtConfig(), "vectors that separate digits and positions", next=_encode("mnist")
    ),
    "align-draw-mnist-hour": _mnist_hour(
        _draw_config("align", _DRAW_DIGITS),
        "the caption's digits in their positions, 94 % of them right; 58 % for held-out captions",
        optimizer=_FAST,
    ),
    "noalign-draw-mnist-hour": _mnist_hour(
        _draw_config("average", _DRAW_DIGITS), _NOT_MEASURED, optimizer=_FAST
    ),
    "skip-thought-draw-mnist-hour": _mnist_hour(
        _draw_config("sentence", _DRAW_DIGITS), _NOT_MEASURED, optimizer=_FAST
    ),
    "conv-draw-mnist-hour": _mnist_hour(
        ConvDrawConfig(side=6, vocabulary_size=24, initial_canvas=-10.0, **_GREY),
        _NOT_MEASURED,
        optimizer=_STEADY,
    ),
    "fully-connected-vae-mnist-hour": _mnist_hour(
        VaeConfig("fully-connected", **_GREY), _NOT_MEASURED, optimizer=_STEADY
    ),
    "conv-deconv-vae-mnist-hour": _mnist_hour(VaeConfig("convolutional", **_GREY), _NOT_MEASURED),
    "lapgan-mnist-hour": _mnist_hour(
        replace(_SMALL_LAPGAN, **_GREY), _NOT_MEASURED, **_GAN_ON_A_CPU
    ),
    "sharpening-mnist-hour": _mnist_hour(
        replace(_SMALL_SHARPENER, **_GREY), _NOT_MEASURED, next=_SHARPEN, **_GAN_ON_A_CPU
    ),
    "captioner-mnist-hour": _mnist_hour(
        replace(_SMALL_CAPTIONER, vocabulary_size=24, normalized_features=True, **_GREY),
        _NOT_MEASURED,
        next=_CAPTION,
        optimizer=_STEADY,
    ),
    "skip-thought-mnist-hour": _mnist_hour(
        SkipThoughtConfig(), _NOT_MEASURED, next=_encode("mnist-hour"), minutes=15.0
    ),
    "align-draw-coco": _coco(
        DrawConfig("align"), "the paper reports a bound of -1791.53 nats on its test split"
    ),
    "noalign-draw-coco": _coco(
        DrawConfig("average"), "the paper reports a bound of -1791.15 nats on its test split"
    ),
    "skip-thought-draw-coco": _coco(
        _draw_config("sentence", DrawConfig()),
        "the paper reports a bound of -1791.37 nats on its test split",
    ),
    "conv-draw-coco": _coco(ConvDrawConfig(), _NOT_MEASURED, optimizer=_STEADY),
    "fully-connected-vae-coco": _coco(
        VaeConfig("fully-connected"), "the paper reports retrieval at chance and an SSI of .156"
    ),
    "conv-deconv-vae-coco": _coco(
        VaeConfig("convolutional"), "the paper reports retrieval at chance and an SSI of .164"
    ),
    "lapgan-coco": _coco(LapganConfig(), "the paper reports an SSI of .08"),
    "sharpening-coco": _coco(
        SharpeningConfig(),
        "the paper reports a bound that sharpening lowers by about 250 nats",
        next=_SHARPEN,
    ),
    "captioner-coco": _coco(
        CaptionerConfig(normalized_features=True), "short captions of 32x32 pictures", next=_CAPTION
    ),
    "skip-thought-coco": _coco(
        SkipThoughtConfig(embedding_units=620, units=1_200, decoder_units=1_600),
        "vectors of 4,800 numbers, as the published encoder has",
        next=_encode("coco"),
    ),
}

PRESETS |= {
    f"{name}-{size}": _from_coarse_to_fine(PRESETS[name], size, scales, batch_size)
    for name, size, scales, batch_size in (  # the coarsest scale has 8 x 8 pixels
        ("conv-draw-scenes", 64, 4, 128),
        ("conv-draw-photos", 64, 4, 64),
        ("conv-draw-photos", 128, 5, 32),
    )
}

# For tests: looked up by `preset` as the others are, but listed nowhere.
TEST_PRESETS = {
    "align-draw-tiny": _tiny(_draw_config("align", _DRAW_TINY)),
    "noalign-draw-tiny": _tiny(_draw_config("average", _DRAW_TINY)),
    "skip-thought-draw-tiny": _tiny(_draw_config("sentence", _DRAW_TINY)),
    "conv-draw-tiny": _tiny(
        ConvDrawConfig(
            vocabulary_size=110,
            steps=3,
            embedding_units=8,
            caption_units=8,
            align_units=8,
            encoder_channels=6,
            decoder_channels=6,
            message_channels=4,
            read_channels=6,
            latent_channels=2,
        )
    ),
    "fully-connected-vae-tiny": _tiny(
        VaeConfig("fully-connected", text_units=8, hidden_units=16, latent_units=4)
    ),
    "conv-deconv-vae-tiny": _tiny(
        VaeConfig("convolutional", text_units=8, filters=4, latent_units=4)
    ),
    "lapgan-tiny": _tiny(LapganConfig(base_units=16, base_noise=4, filters=4)),
    "sharpening-tiny": _tiny(SharpeningConfig(filters=4, discriminator_filters=4), next=_SHARPEN),
    "captioner-tiny": _tiny(
        CaptionerConfig(filters=4, embedding_units=8, decoder_units=16, align_units=8),
        next=_CAPTION,
    ),
    "skip-thought-tiny": _tiny(
        SkipThoughtConfig(embedding_units=8, units=8, decoder_units=16), next=_encode("tiny")
    ),
}


def preset(name: str) -> Preset:
    """The preset of that name, one of `PRESETS` or `TEST_PRESETS`.

    Raises:
        UsageError: no preset has the name; the message suggests the closest of `PRESETS`.
    """
    if name in TEST_PRESETS:
        return TEST_PRESETS[name]
    if name not in PRESETS:
        raise UsageError(f"No preset is called {name!r}. {did_you_mean(name, PRESETS)}")
    return PRESETS[name]
