"""Configs: frozen dataclasses of plain values.

Standard library only, so that `--help` needs no TensorFlow.
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args


@dataclass(frozen=True)
class DrawConfig:
    """Sizes of a DRAW system. Defaults are the paper's for COCO."""

    conditioning: Literal["align", "average", "sentence"] = "align"
    """What the decoder sees of the caption: `align` attends to the words anew at every step
    (alignDRAW), `average` is the mean of their states (noalignDRAW), `sentence` a sentence vector
    (skipthoughtDRAW)."""
    height: int = 32
    """Picture height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Picture width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Picture channels. Taken from the data folder when training."""
    vocabulary_size: int = 25_323
    """Words, with padding and unknown. Taken from the data folder when training."""
    sentence_units: int = 0
    """Width of the sentence vector; 0 where none is read. Taken from the sentence encoder when
    training."""
    steps: int = 32
    """T, drawing steps."""
    embedding_units: int = 512
    """Width of the word embedding."""
    caption_units: int = 128
    """Units of the caption LSTM, per direction."""
    align_units: int = 512
    """Units of the alignment function."""
    encoder_units: int = 550
    """Units of the inference LSTM."""
    decoder_units: int = 550
    """Units of the generative LSTM."""
    latent_units: int = 275
    """Z, latent units per step."""
    read_size: int = 9
    """Side of the patch that is read, samples."""
    write_size: int = 9
    """Side of the patch that is written, samples."""
    initial_canvas: float = 0.0
    """Logit of the empty canvas: 0 is grey, -10 is black."""
    initializer: Literal["normal", "glorot"] = "normal"
    """Of the weights: `normal` is the authors' N(0, 0.01); `glorot` has words of N(0, 1), which the
    decoder hears beside the noise from the first step on, and learns faster in short runs."""
    kl_weight: float = 1.0
    """Weight of the KL in the gradient; over 1, training takes more from the captions."""


@dataclass(frozen=True)
class VaeConfig:
    """Sizes of a variational autoencoder. The paper does not give them: all are our choice."""

    kind: Literal["fully-connected", "convolutional"] = "fully-connected"
    """Layers between picture and latent: dense ones, or 4x4 convolutions of stride 2."""
    height: int = 32
    """Picture height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Picture width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Picture channels. Taken from the data folder when training."""
    sentence_units: int = 4_800
    """Width of the sentence vector. Taken from the sentence encoder when training."""
    text_units: int = 256
    """Width of the caption beside features and latent."""
    hidden_units: int = 1_024
    """Of the fully-connected layers."""
    filters: int = 64
    """Of the first convolution; each of the next has twice as many."""
    latent_units: int = 275
    """Z."""
    kl_weight: float = 1.0
    """Weight of the KL in the gradient; over 1, training takes more from the captions."""


@dataclass(frozen=True)
class LapganConfig:
    """Sizes of the conditional LAPGAN, and the tricks of its game."""

    height: int = 32
    """Picture height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Picture width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Picture channels. Taken from the data folder when training."""
    sentence_units: int = 4_800
    """Width of the sentence vector. Taken from the sentence encoder when training."""
    stages: int = 2
    """Residual stages above the base; each doubles the side."""
    text_units: int = 256
    """Width of the caption in the base's networks."""
    base_units: int = 1_024
    """Of the base's hidden layers."""
    base_noise: int = 100
    """Units of the base's noise."""
    filters: int = 128
    """Of a residual generator's convolutions."""
    discriminator_filters: int = 64
    """Of a residual discriminator's convolutions."""
    dropout: float = 0.5
    """Of the discriminators."""
    label_smoothing: float = 0.0
    """The discriminators' target for real pictures is 1 less this (one-sided)."""
    mismatched_captions: bool = False
    """Teach the base's discriminator that a real picture with another's caption is wrong; not in
    the paper, but it follows captions far sooner."""
    fidelity: float = 0.0
    """Weight of the mean distance to the real picture in the residual generators' loss; the paper
    has none, but its stages are long in unlearning noise."""


@dataclass(frozen=True)
class SharpeningConfig:
    """Sizes of the network that sharpens pictures."""

    height: int = 32
    """Picture height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Picture width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Picture channels. Taken from the data folder when training."""
    sentence_units: int = 4_800
    """Width of the sentence vector. Taken from the sentence encoder when training."""
    filters: int = 128
    """Of the generator's convolutions."""
    discriminator_filters: int = 64
    """Of the discriminator's convolutions."""
    dropout: float = 0.5
    """Of the discriminator."""
    label_smoothing: float = 0.0
    """The discriminator's target for real pictures is 1 less this (one-sided)."""
    fidelity: float = 0.0
    """Weight of the mean distance to the real picture in the generator's loss; the paper has
    none."""
    pairs: Literal["coarse", "reconstructions", "both"] = "coarse"
    """What it learns to sharpen: `coarse` pictures, halved and doubled again, a drawing model's
    `reconstructions` of pictures, or `both` by turns."""


@dataclass(frozen=True)
class CaptionerConfig:
    """Sizes of the image captioner. The talk does not name its model: all are our choice."""

    height: int = 32
    """Picture height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Picture width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Picture channels. Taken from the data folder when training."""
    vocabulary_size: int = 25_323
    """Words, with padding and unknown. Taken from the data folder when training."""
    filters: int = 64
    """Of the first convolution; each of the next has twice as many."""
    embedding_units: int = 128
    """Width of the word embedding."""
    decoder_units: int = 512
    """Units of the LSTM that writes."""
    align_units: int = 256
    """Units of the attention over the grid of features."""
    dropout: float = 0.5
    """Of what the word is told from."""


@dataclass(frozen=True)
class SkipThoughtConfig:
    """Sizes of a skip-thought sentence encoder that is trained here; its vector is 4 x `units`.

    The published one has 620 and 1,200 (two parts of 2,400, of which one reads both ways).
    """

    vocabulary_size: int = 25_323
    """Words, with padding and unknown. Taken from the data folder when training."""
    embedding_units: int = 128
    """Width of the word embedding."""
    units: int = 128
    """Of the GRUs: two parts of twice as many, one of which reads both ways."""
    decoder_units: int = 256
    """Of the GRU that predicts the neighbour."""


ModelConfig = (
    DrawConfig | VaeConfig | LapganConfig | SharpeningConfig | CaptionerConfig | SkipThoughtConfig
)
MODEL_CONFIGS = {config.__name__: config for config in get_args(ModelConfig)}
"""The kinds of models by the name of their config."""
Model = TypeVar("Model", bound=ModelConfig)


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are moved. Defaults are the authors'."""

    name: Literal["rmsprop", "adam"] = "rmsprop"
    """RMSProp with rho 0.9 and epsilon 1e-6, or Adam."""
    beta_1: float = 0.9
    """Adam's momentum; players of a game do better with 0.5."""
    learning_rate: float = 1e-3
    """The highest learning rate."""
    schedule: Literal["step", "cosine", "constant"] = "step"
    """`step` divides by ten at `drop_at`, `cosine` falls to zero at the end."""
    drop_at: float = 11 / 18
    """Where the rate drops tenfold, as a share of the whole training."""
    warmup_steps: int = 0
    """Steps over which the rate rises linearly from zero."""
    clip_norm: float = 10.0
    """Largest norm of the gradient of one weight tensor."""
    ema: float = 0.999
    """Momentum of the averaged weights that are evaluated and exported; 0 keeps none."""


@dataclass(frozen=True)
class TrainConfig(Generic[Model]):
    """One training: what, on which captions, how long. Seed and step fix data order and noise."""

    model: Model = DrawConfig()  # pyright: ignore[reportAssignmentType]
    optimizer: OptimizerConfig = OptimizerConfig()
    batch_size: int = 100
    """Captions of a step, over all devices."""
    epochs: int = 18
    """Times that every caption is seen, unless `steps` or `minutes` says otherwise."""
    steps: int | None = None
    """Training steps, instead of epochs."""
    minutes: float | None = None
    """Wall-clock budget, minutes: the schedule follows the clock and training ends with it."""
    min_words: int = 1
    """Shorter captions are left out."""
    max_words: int = 29
    """Longer captions are left out."""
    length_multiple: int = 1
    """Captions are padded to a multiple of this, so that XLA compiles few programs."""
    report_every: int = 0
    """Steps between validation, samples and a line of history; 0 means an epoch."""
    validation_pictures: int = 1000
    """Pictures of the validation split that are scored each time, at most."""
    seed: int = 0
    """Of weights, data order and noise."""
    xla: bool = True
    """Compile the model's core with XLA."""
    mixed_precision: bool = False
    """Compute matrix products in bfloat16; weights, canvas and losses stay float32."""
    deterministic: bool = False
    """Ask TensorFlow for deterministic ops: identical weights from run to run, a little slower."""

    @property
    def reads_sentences(self) -> bool:
        """Whether the model is told of captions by the vectors of a sentence encoder."""
        return getattr(self.model, "sentence_units", 0) > 0
