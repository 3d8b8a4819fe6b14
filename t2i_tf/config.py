"""Configs: frozen dataclasses of plain values.

Standard library only, so that `--help` needs no TensorFlow.
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args


@dataclass(frozen=True)
class DrawConfig:
    """Sizes of a DRAW system. Defaults are the paper's for COCO."""

    conditioning: Literal["align", "average", "sentence"] = "align"
    """How the decoder reads the caption.
    `align`: attends to its words anew at every step (alignDRAW).
    `average`: takes the mean of the words' states (noalignDRAW).
    `sentence`: takes a sentence vector (skipthoughtDRAW)."""
    height: int = 32
    """Image height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Image width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Image channels. Taken from the data folder when training."""
    vocabulary_size: int = 25_323
    """Number of words, padding and unknown included. Taken from the data folder when training."""
    sentence_units: int = 0
    """Width of the sentence vector; 0 for a model that reads words.
    Taken from the sentence encoder when training."""
    steps: int = 32
    """Number of drawing steps, T."""
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
    """Latent units per step, Z."""
    read_size: int = 9
    """Side of the patch that is read: Gaussian filters per axis."""
    write_size: int = 9
    """Side of the patch that is written: Gaussian filters per axis."""
    initial_canvas: float = 0.0
    """Logit of the empty canvas: 0 is grey, -10 is black."""
    learned_canvas: bool = False
    """Learn the empty canvas, a logit for each pixel and channel that begins at `initial_canvas`.
    The authors' weights have one."""
    window: Literal["centred", "authors"] = "centred"
    """Convention of the attention window.
    `centred`: -1 and 1 are the image's edges, the filters lie around the centre and sum to one.
    `authors`: the one that the authors' weights were trained with, which is off by up to two pixels
    and a stride."""
    caption_reader: Literal["bidirectional", "authors"] = "bidirectional"
    """How the caption's two LSTMs read it.
    `bidirectional`: one from the left, one from the right.
    `authors`: both from the left, from a learned state, as the authors' code draws."""
    initializer: Literal["normal", "glorot"] = "normal"
    """Initial weights.
    `normal`: the authors', with a standard deviation of 0.01.
    `glorot`: Glorot uniform, with word embeddings from N(0, 1); learns faster in short runs."""
    kl_weight: float = 1.0
    """Weight of the KL in the training loss; above 1, the model relies more on the captions.
    Reported bounds always have weight 1."""
    free_bits: float = 0.0
    """Nats of KL at every step that cost nothing in the training loss.
    Reported bounds always have all of them."""
    likelihood: Literal["bernoulli", "logistic"] = "bernoulli"
    """Likelihood of a picture given the last canvas.
    `bernoulli`: the paper's, on real-valued pixels.
    `logistic`: a mixture of discretized logistics, probabilities of 8-bit pixels; its bound is
    reported in bits per dimension too."""
    components: int = 3
    """Components of the mixture for each pixel, with the likelihood `logistic`."""


@dataclass(frozen=True)
class ConvDrawConfig:
    """Sizes of ConvDRAW, a convolutional DRAW. It is not in the paper: all are our choice."""

    height: int = 32
    """Image height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Image width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Image channels. Taken from the data folder when training."""
    vocabulary_size: int = 25_323
    """Number of words, padding and unknown included. Taken from the data folder when training."""
    steps: int = 16
    """Number of drawing steps, T."""
    side: int = 4
    """Side of a place, pixels: the states are grids of height / side by width / side places."""
    scales: int = 1
    """Sizes at which a picture is drawn, each twice the one before; they share the steps.
    4 draw one of 64x64 as 8x8, 16x16, 32x32 and 64x64."""
    size: int = 3
    """Side of the neighbourhood that passes something on to a place, places."""
    embedding_units: int = 256
    """Width of the word embedding."""
    caption_units: int = 128
    """Units of the caption LSTM, per direction."""
    align_units: int = 128
    """Width of the queries from every place and of the words' keys."""
    encoder_channels: int = 128
    """Channels of the inference LSTM."""
    decoder_channels: int = 128
    """Channels of the generative LSTM."""
    message_channels: int = 64
    """Channels that a place passes on to those around it."""
    read_channels: int = 96
    """Features that inference takes from image and error image at each place."""
    latent_channels: int = 12
    """Latent units per place and step."""
    initial_canvas: float = 0.0
    """Value of the empty canvas: 0 is grey, -10 is black."""
    kl_weight: float = 1.0
    """Weight of the KL in the training loss; above 1, the model relies more on the captions.
    Reported bounds always have weight 1."""
    free_bits: float = 0.0
    """Nats of KL at every step that cost nothing in the training loss.
    Reported bounds always have all of them."""
    likelihood: Literal["bernoulli", "logistic"] = "bernoulli"
    """Likelihood of a picture given the last canvas.
    `bernoulli`: the paper's, on real-valued pixels.
    `logistic`: a mixture of discretized logistics, probabilities of 8-bit pixels; its bound is
    reported in bits per dimension too."""
    components: int = 3
    """Components of the mixture for each pixel, with the likelihood `logistic`."""


@dataclass(frozen=True)
class VaeConfig:
    """Sizes of a variational autoencoder. The paper does not give them: all are our choice."""

    kind: Literal["fully-connected", "convolutional"] = "fully-connected"
    """Layers between image and latent: dense layers, or 4x4 convolutions with stride 2."""
    height: int = 32
    """Image height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Image width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Image channels. Taken from the data folder when training."""
    sentence_units: int = 4_800
    """Width of the sentence vector. Taken from the sentence encoder when training."""
    text_units: int = 256
    """Width of the caption's projection, which joins the image features and the latent."""
    hidden_units: int = 1_024
    """Units of each fully-connected hidden layer."""
    filters: int = 64
    """Filters of the first convolution; each further one has twice as many."""
    latent_units: int = 275
    """Latent units, Z."""
    kl_weight: float = 1.0
    """Weight of the KL in the training loss; above 1, the model relies more on the captions.
    Reported bounds always have weight 1."""
    free_bits: float = 0.0
    """Nats of KL at every step that cost nothing in the training loss.
    Reported bounds always have all of them."""
    likelihood: Literal["gaussian", "logistic"] = "gaussian"
    """Likelihood of a picture given what is decoded.
    `gaussian`: the paper's least squares, with a learned scale.
    `logistic`: a mixture of discretized logistics, probabilities of 8-bit pixels; its bound is
    reported in bits per dimension too."""
    components: int = 3
    """Components of the mixture for each pixel, with the likelihood `logistic`."""


@dataclass(frozen=True)
class LapganConfig:
    """Sizes of the conditional LAPGAN, and the terms of its adversarial losses."""

    height: int = 32
    """Image height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Image width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Image channels. Taken from the data folder when training."""
    sentence_units: int = 4_800
    """Width of the sentence vector. Taken from the sentence encoder when training."""
    stages: int = 2
    """Residual stages above the base; each doubles the height and width."""
    text_units: int = 256
    """Width of the caption's projection in the base networks."""
    base_units: int = 1_024
    """Units of the base networks' hidden layers."""
    base_noise: int = 100
    """Units of the base generator's noise."""
    filters: int = 128
    """Filters of a residual generator's convolutions."""
    discriminator_filters: int = 64
    """Filters of a residual discriminator's convolutions."""
    dropout: float = 0.5
    """Dropout rate in the discriminators."""
    label_smoothing: float = 0.0
    """One-sided label smoothing: the discriminators' target for real images is 1 minus this."""
    mismatched_captions: bool = False
    """Also train the base discriminator to reject real images with the caption of another.
    Not in the paper; with it the drawings follow their captions far sooner."""
    fidelity: float = 0.0
    """Weight of the mean absolute difference from the real image in the residual generators' loss.
    0 in the paper, but then the stages take long to stop adding noise."""


@dataclass(frozen=True)
class SharpeningConfig:
    """Sizes of the sharpening network, and the terms of its adversarial losses."""

    height: int = 32
    """Image height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Image width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Image channels. Taken from the data folder when training."""
    sentence_units: int = 4_800
    """Width of the sentence vector. Taken from the sentence encoder when training."""
    filters: int = 128
    """Filters of the generator's convolutions."""
    discriminator_filters: int = 64
    """Filters of the discriminator's convolutions."""
    dropout: float = 0.5
    """Dropout rate in the discriminator."""
    label_smoothing: float = 0.0
    """One-sided label smoothing: the discriminator's target for real images is 1 minus this."""
    fidelity: float = 0.0
    """Weight of the mean absolute difference from the real image in the generator's loss.
    The paper has none."""
    pairs: Literal["coarse", "reconstructions", "both"] = "coarse"
    """What it learns to sharpen.
    `coarse`: images that were halved and doubled again.
    `reconstructions`: what a drawing model makes of the images.
    `both`: these two in turn."""


@dataclass(frozen=True)
class CaptionerConfig:
    """Sizes of the image captioner. The talk does not name its model: all are our choice."""

    height: int = 32
    """Image height, pixels. Taken from the data folder when training."""
    width: int = 32
    """Image width, pixels. Taken from the data folder when training."""
    channels: Literal[1, 3] = 3
    """Image channels. Taken from the data folder when training."""
    vocabulary_size: int = 25_323
    """Number of words, padding and unknown included. Taken from the data folder when training."""
    filters: int = 64
    """Filters of the first convolution; each further one has twice as many."""
    embedding_units: int = 128
    """Width of the word embedding."""
    decoder_units: int = 512
    """Units of the LSTM that writes the caption."""
    align_units: int = 256
    """Units of the attention over image features."""
    dropout: float = 0.5
    """Dropout rate on the features from which each word is predicted."""
    normalized_features: bool = False
    """Whether image features have mean 0 and variance 1 at each place. Without it the captioner
    of photographs learns nothing: its tanh layers saturate."""


@dataclass(frozen=True)
class SkipThoughtConfig:
    """Sizes of a skip-thought sentence encoder that is trained here; its vector has 4 x `units`.

    The published encoder has 620 embedding units and 1,200 GRU units (two parts of 2,400, one of
    them bidirectional).
    """

    vocabulary_size: int = 25_323
    """Number of words, padding and unknown included. Taken from the data folder when training."""
    embedding_units: int = 128
    """Width of the word embedding."""
    units: int = 128
    """Units of one GRU direction.
    Each of the encoder's two parts, one of them bidirectional, has twice as many."""
    decoder_units: int = 256
    """Units of the GRU that predicts the neighbouring caption."""


ModelConfig = (
    DrawConfig
    | ConvDrawConfig
    | VaeConfig
    | LapganConfig
    | SharpeningConfig
    | CaptionerConfig
    | SkipThoughtConfig
)
MODEL_CONFIGS = {config.__name__: config for config in get_args(ModelConfig)}
"""Config classes by name, as `config.json` has it."""
Model = TypeVar("Model", bound=ModelConfig)


@dataclass(frozen=True)
class OptimizerConfig:
    """The optimizer and its learning rate. Defaults are the authors'."""

    name: Literal["rmsprop", "adam"] = "rmsprop"
    """RMSProp with rho 0.9 and epsilon 1e-6, or Adam."""
    beta_1: float = 0.9
    """Adam's momentum; adversarial losses do better with 0.5."""
    learning_rate: float = 1e-3
    """Peak learning rate."""
    schedule: Literal["step", "cosine", "constant"] = "step"
    """How the learning rate falls.
    `step`: divides it by ten at `drop_at`. `cosine`: takes it to zero by the end.
    `constant`: keeps it."""
    drop_at: float = 11 / 18
    """When the `step` schedule divides the learning rate by ten, as a share of the training."""
    warmup_steps: int = 0
    """Steps over which the learning rate rises linearly from zero."""
    clip_norm: float = 10.0
    """Largest gradient norm of a weight tensor; larger gradients are scaled down to it."""
    weight_decay: float = 0.0
    """Decoupled weight decay: every step shrinks the kernels of layers by this times the learning
    rate."""
    ema: float = 0.999
    """Momentum of the averaged weights that are evaluated and exported; 0 keeps no averages."""


@dataclass(frozen=True)
class TrainConfig(Generic[Model]):
    """One training run: model, captions, duration. Seed and step fix data order and noise."""

    model: Model = DrawConfig()  # pyright: ignore[reportAssignmentType]
    optimizer: OptimizerConfig = OptimizerConfig()
    batch_size: int = 100
    """Captions per step, over all devices."""
    epochs: int = 18
    """Passes over all captions, unless `steps` or `minutes` is given."""
    steps: int | None = None
    """Number of training steps, in place of epochs."""
    minutes: float | None = None
    """Wall-clock budget in minutes, in place of epochs or steps; the learning rate follows the
    clock."""
    min_words: int = 1
    """Captions with fewer words are left out."""
    max_words: int = 29
    """Captions with more words are left out."""
    length_multiple: int = 1
    """Captions are padded to a multiple of this many words, so that XLA compiles few programs."""
    report_every: int = 0
    """Steps between validations, each with samples and a line of history; 0 means an epoch."""
    validation_pictures: int = 1000
    """Largest number of pictures that a validation scores."""
    patience: int = 0
    """Validations without a lower loss after which the training ends early; 0 means never."""
    seed: int = 0
    """Seed of the weights, the data order and the noise."""
    xla: bool = True
    """Compile the model's core with XLA."""
    caption_dropout: float = 0.0
    """Share of the captions that training replaces by a learned empty one, such as 0.1.
    For systems that draw captions; their drawings can then be guided: `generate --guidance`."""
    word_dropout: float = 0.0
    """Share of the words that training reads as the unknown word, chosen at random, such as 0.2.
    For systems that draw captions from their words, where pictures are few: they overfit less."""
    horizontal_flip: bool = False
    """Flip half of the pictures from left to right in training, chosen at random.
    Not where the caption says "left" or "right", in English or 24 other languages."""
    mixed_precision: bool = False
    """Compute matrix products in bfloat16; weights, canvas and losses stay float32."""
    deterministic: bool = False
    """Use deterministic TensorFlow ops: identical weights from run to run, a little slower."""

    @property
    def reads_sentences(self) -> bool:
        """Whether the model reads captions as the vectors of a sentence encoder."""
        return getattr(self.model, "sentence_units", 0) > 0
