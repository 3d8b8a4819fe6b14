"""Configs: frozen dataclasses of plain values.

Standard library only, so that `--help` needs no TensorFlow.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DrawConfig:
    """Sizes of a DRAW system. Defaults are the paper's for COCO."""

    conditioning: Literal["align", "average"] = "align"
    """What the decoder sees of the caption: `align` attends to the words anew at every step
    (alignDRAW), `average` is the mean of their states (noalignDRAW)."""
    height: int = 32
    """Picture height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Picture width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Picture channels. Taken from the data folder when training."""
    vocabulary_size: int = 25_323
    """Words, with padding and unknown. Taken from the data folder when training."""
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


@dataclass(frozen=True)
class OptimizerConfig:
    """How the weights are moved. Defaults are the authors'."""

    name: Literal["rmsprop", "adam"] = "rmsprop"
    """RMSProp with rho 0.9 and epsilon 1e-6, or Adam."""
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
class TrainConfig:
    """One training: what, on which captions, how long. Seed and step fix data order and noise."""

    model: DrawConfig = DrawConfig()
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
    kl_weight: float = 1.0
    """Weight of the KL in the gradient; over 1, training takes more from the captions."""
    seed: int = 0
    """Of weights, data order and noise."""
    xla: bool = True
    """Compile the model's core with XLA."""
    mixed_precision: bool = False
    """Compute matrix products in bfloat16; weights, canvas and losses stay float32."""
    deterministic: bool = False
    """Ask TensorFlow for deterministic ops: identical weights from run to run, a little slower."""
