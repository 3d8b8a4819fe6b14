"""Names, inputs and outputs of a served model. Standard library only.

Dimension 0 of every input and output is the batch B, so that a server can join requests. The names
of binary outputs end in `_bytes`: REST encodes those, and no others, as base64.
"""

from dataclasses import dataclass, field

MODEL_NAME = "t2i"
"""The name under which the model is served."""

GRPC_PORT = 8500

PROMPT = "prompt"
SEED = "seed"
TEMPERATURE = "temperature"
GUIDANCE = "guidance"
INSTEAD_OF = "instead_of"
BEST_OF = "best_of"
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
CHOSEN_SEED = "chosen_seed"
GAIN = "gain"

MAX_PROMPT_BYTES = 4_096
"""Longest caption, UTF-8 bytes."""
MAX_CANVASES = 4_096
"""Most canvases (batch x steps) of one `draw_steps` request."""
MAX_BATCH = 1_024
"""Most captions or images of one request that draws nothing."""
MAX_ROWS = max(MAX_CANVASES, MAX_BATCH)
"""Most values of any input, whatever the model. A model's own limit may be lower."""
MAX_TEMPERATURE = 1_000_000.0
"""Largest scale of the noise. Far beyond it, sums leave the range of float32."""
MAX_GUIDANCE = 20.0
"""Largest weight of the guidance."""
MAX_BEST_OF = 64
"""Most drawings of which one is kept."""
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest message on the wire. gRPC's default limit, 4 MiB, is less than 16 drawings."""
MAX_VERSION = 2**63 - 1
"""A version is an int64 in the protocol."""


def is_version(name: str) -> bool:
    """Whether a folder of this name is a version: ASCII digits, as servers read them.

    Python reads the digits of every script as numbers, which no other server does.
    """
    digits = name.isascii() and name.isdigit()
    # The length first: int() of thousands of digits raises ValueError.
    return digits and len(name) <= 255 and int(name) <= MAX_VERSION


@dataclass(frozen=True)
class Tensor:
    """One input or output: the name of its dtype, and its shape in letters."""

    dtype: str
    shape: str


@dataclass(frozen=True, eq=False)
class Signature:
    """One function of a served model."""

    name: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    optional: dict[str, Tensor] = field(default_factory=dict)
    """Outputs that only some models have."""
    selections: tuple[tuple[str, ...], ...] = ()
    """The outputs that gRPC clients ask for together, where these are not all of `outputs`."""


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
"""A caption to its image; also sharpened, where the model was exported with a sharpener."""

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
"""A caption to the canvas of every step, with the write window and the attention to the words.

The shape of `words` states a limit of the model: N is the most words and marks of a caption, which
clients read from the metadata. It is -1 in an export that does not state it.
"""

_GUIDED_INPUTS = _DRAWING_INPUTS | {
    GUIDANCE: Tensor("float32", "[B]"),
    INSTEAD_OF: Tensor("string", "[B]"),
}
_GUIDED_OUTPUTS = DRAW.outputs | DRAW_STEPS.outputs

DRAW_GUIDED = Signature(
    "draw_guided",
    _GUIDED_INPUTS,
    _GUIDED_OUTPUTS,
    _SHARPENED,
    (tuple(DRAW.outputs), tuple(DRAW_STEPS.outputs)),
)
"""A caption to its image and all steps, moved away from the caption `instead_of`.

Only models that were trained with caption dropout have it: "" as `instead_of` is their empty
caption. A guidance of 0 draws the caption alone, as `draw_steps` does.
"""

DRAW_BEST = Signature(
    "draw_best",
    _GUIDED_INPUTS | {BEST_OF: Tensor("int64", "[B]")},
    _GUIDED_OUTPUTS | {CHOSEN_SEED: Tensor("int64", "[B]"), GAIN: Tensor("float32", "[B]")},
    _SHARPENED,
    tuple((*outputs, CHOSEN_SEED) for outputs in DRAW_GUIDED.selections),
)
"""As `draw_guided`, the best of n = `best_of` drawings, with the seeds n s, ..., n s + n - 1.

It is the one that the caption makes likelier by the most nats, `gain`, than `instead_of` does.
`draw_guided` with `chosen_seed` draws it again. A signature of its own, as its graph scores what it
draws, n times, which a client of `draw_guided` neither waits for nor has to ask for.
"""

SCORE = Signature(
    "score",
    {
        PNG_BYTES_IN: Tensor("string", "[B]"),
        PROMPT: Tensor("string", "[B]"),
        SEED: Tensor("int64", "[B]"),
    },
    {BOUND: Tensor("float32", "[B]")},
)
"""An image and a caption to the bound on log p(image | caption), nats."""

DESCRIBE = Signature(
    "describe",
    {PNG_BYTES_IN: Tensor("string", "[B]")},
    {
        CAPTION: Tensor("string", "[B]"),
        LOG_PROBABILITY: Tensor("float32", "[B]"),
        ATTENTION: Tensor("float32", "[B, N, GH, GW]"),
    },
)
"""An image to a caption, its log probability in nats, and each word's attention to the image."""

SHARPEN = Signature(
    "sharpen",
    {PNG_BYTES_IN: Tensor("string", "[B]"), PROMPT: Tensor("string", "[B]")},
    {IMAGE: Tensor("uint8", "[B, H, W, C]"), PNG_BYTES: Tensor("string", "[B]")},
)
"""An image and its caption to the sharpened image."""

ENCODE = Signature(
    "encode",
    {PROMPT: Tensor("string", "[B]")},
    {SENTENCE: Tensor("float32", "[B, D]")},
)
"""A caption to its sentence vector."""

KINDS = ((DRAW, DRAW_STEPS), (DESCRIBE,), (SHARPEN,), (ENCODE,))
"""The signatures that each kind of model must have. A text-to-image model with a bound, which a GAN
lacks, also has `score`; with an empty caption it has `draw_guided` and `draw_best` too."""

SIGNATURES = {
    signature.name: signature
    for signature in (
        DRAW,
        DRAW_STEPS,
        DRAW_GUIDED,
        DRAW_BEST,
        SCORE,
        DESCRIBE,
        SHARPEN,
        ENCODE,
    )
}
"""All signatures by name."""
