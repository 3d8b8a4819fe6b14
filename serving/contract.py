"""What a served text-to-image model is called, takes and gives. Standard library only.

Dimension 0 of every input and output is the batch B, so that a server may join requests.
`_bytes` ends the names of binary outputs: REST encodes those, and only those, as base64.
"""

from dataclasses import dataclass, field

MODEL_NAME = "t2i"
"""The name under which the model is served."""

GRPC_PORT = 8500
REST_PORT = 8501

PROMPT = "prompt"
SEED = "seed"
TEMPERATURE = "temperature"
IMAGE = "image"
PNG_BYTES = "png_bytes"
PNG_BYTES_IN = "png_bytes_in"
CANVASES = "canvases"
ALIGNMENT = "alignment"
WORDS = "words"
KNOWN = "known"
WINDOWS = "windows"
BOUND = "bound"
SHARPENED_PNG_BYTES = "sharpened_png_bytes"
CAPTION = "caption"
LOG_PROBABILITY = "log_probability"
ATTENTION = "attention"
SENTENCE = "sentence"

MAX_PROMPT_BYTES = 4_096
"""Longest caption that a model draws, UTF-8 bytes."""
MAX_CANVASES = 4_096
"""Most canvases (batch x steps) of one `draw_steps` request."""
MAX_BATCH = 1_024
"""Most captions or pictures of one request that draws nothing."""
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest message on the wire. Python's own receive limit, 4 MiB, is less than 16 drawings."""


@dataclass(frozen=True)
class Tensor:
    """One input or output: TensorFlow's name of its dtype, and its shape in letters."""

    dtype: str
    shape: str


@dataclass(frozen=True, eq=False)
class Signature:
    """One way to call the model."""

    name: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    optional: dict[str, Tensor] = field(default_factory=dict)
    """Outputs that a model may leave out."""


_SHARPENED = {SHARPENED_PNG_BYTES: Tensor("string", "[B]")}
_DRAWING_INPUTS = {
    PROMPT: Tensor("string", "[B]"),
    SEED: Tensor("int64", "[B]"),
    TEMPERATURE: Tensor("float32", "[B]"),
}

DRAW = Signature(
    "serving_default",
    _DRAWING_INPUTS,
    {IMAGE: Tensor("uint8", "[B, H, W, C]"), PNG_BYTES: Tensor("string", "[B]")},
    _SHARPENED,
)
"""A sentence to its picture; sharpened too, where the model was exported with a sharpener."""

DRAW_STEPS = Signature(
    "draw_steps",
    _DRAWING_INPUTS,
    {
        CANVASES: Tensor("uint8", "[B, T, H, W, C]"),
        ALIGNMENT: Tensor("float32", "[B, T, N]"),
        WORDS: Tensor("string", "[B, N]"),
        KNOWN: Tensor("bool", "[B, N]"),
        WINDOWS: Tensor("float32", "[B, T, 4]"),
        PNG_BYTES: Tensor("string", "[B]"),
    },
    _SHARPENED,
)
"""A sentence to every canvas on the way, with the words and the place attended to at each step."""

SCORE = Signature(
    "score",
    {
        PNG_BYTES_IN: Tensor("string", "[B]"),
        PROMPT: Tensor("string", "[B]"),
        SEED: Tensor("int64", "[B]"),
    },
    {BOUND: Tensor("float32", "[B]")},
)
"""A picture and a sentence to the bound on log p(picture | sentence), nats."""

DESCRIBE = Signature(
    "describe",
    {PNG_BYTES_IN: Tensor("string", "[B]")},
    {
        CAPTION: Tensor("string", "[B]"),
        LOG_PROBABILITY: Tensor("float32", "[B]"),
        ATTENTION: Tensor("float32", "[B, N, GH, GW]"),
    },
)
"""A picture to a sentence, its log probability in nats, and where each word looked."""

SHARPEN = Signature(
    "sharpen",
    {PNG_BYTES_IN: Tensor("string", "[B]"), PROMPT: Tensor("string", "[B]")},
    {IMAGE: Tensor("uint8", "[B, H, W, C]"), PNG_BYTES: Tensor("string", "[B]")},
)
"""A picture and its sentence to the picture with edges."""

ENCODE = Signature(
    "encode",
    {PROMPT: Tensor("string", "[B]")},
    {SENTENCE: Tensor("float32", "[B, D]")},
)
"""A sentence to its vector."""

KINDS = ((DRAW, DRAW_STEPS), (DESCRIBE,), (SHARPEN,), (ENCODE,))
"""The signatures that a model has at least, by the kind of the model. One that draws may have
`score` too: a system without a bound, such as a GAN, has not."""

SIGNATURES = {
    signature.name: signature for signature in (DRAW, DRAW_STEPS, SCORE, DESCRIBE, SHARPEN, ENCODE)
}
"""All signatures by name."""
