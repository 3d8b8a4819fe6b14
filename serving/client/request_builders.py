"""Requests, each with the function that reads its answer: shared by both clients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from google.protobuf.message import DecodeError

from serving import contract
from serving.client import messages
from serving.client.connection import Connection
from serving.client.results import Drawing, Metadata, Picture, VersionStatus
from serving.client.tensor_proto import DTYPE_NAMES, to_array, to_proto
from serving.contract import Signature, Tensor
from serving.errors import RequestError, ServingError

Answer = TypeVar("Answer")
Arrays = dict[str, np.ndarray]

_SIGNATURE_DEF = "signature_def"


@dataclass(frozen=True)
class Request(Generic[Answer]):
    """A request that is ready to be sent."""

    method: str
    """Path of the gRPC method."""
    message: bytes
    """The serialised request."""
    read: Callable[[bytes], Answer]
    """From the serialised answer to the result."""


def draw(
    connection: Connection,
    prompt: str,
    n: int,
    seed: int,
    temperature: float,
    guidance: float = 0.0,
    instead_of: str = "",
    best_of: int = 1,
) -> Request[list[Picture]]:
    """`n` images of a caption, with the seeds `seed`, `seed + 1`, ...

    Without guidance and best of n, the request goes to a signature that every server has.
    """
    call = draw_call(prompt, n, seed, temperature, guidance, instead_of, best_of)
    return _predict(connection, *call, partial(_pictures, seed))


def draw_call(
    prompt: str,
    n: int,
    seed: int,
    temperature: float = 1.0,
    guidance: float = 0.0,
    instead_of: str = "",
    best_of: int = 1,
) -> tuple[Signature, Arrays]:
    """The signature that `draw` calls, with the outputs that it reads, and its inputs."""
    inputs = _drawing_inputs(prompt, n, seed, temperature, guidance, instead_of, best_of)
    return _steered(contract.DRAW, inputs)


def draw_steps(
    connection: Connection,
    prompt: str,
    n: int,
    seed: int,
    temperature: float,
    guidance: float = 0.0,
    instead_of: str = "",
    best_of: int = 1,
) -> Request[list[Drawing]]:
    """As `draw`, with every step of the drawing."""
    inputs = _drawing_inputs(prompt, n, seed, temperature, guidance, instead_of, best_of)
    return _predict(connection, *_steered(contract.DRAW_STEPS, inputs), partial(_drawings, seed))


def unknown_words(connection: Connection, captions: Sequence[str]) -> Request[list[str]]:
    """The words of captions that the model's vocabulary lacks; nothing is drawn for it."""
    inputs = {
        contract.PROMPT: _strings([_checked_prompt(caption) for caption in captions]),
        contract.SEED: _seeds(0, len(captions)),
        contract.TEMPERATURE: np.zeros(len(captions), np.float32),
    }
    read = {name: contract.DRAW_STEPS.outputs[name] for name in (contract.WORDS, contract.KNOWN)}
    return _predict(connection, replace(contract.DRAW_STEPS, outputs=read), inputs, _unknown)


def score(
    connection: Connection, pngs: Sequence[bytes], prompt: str, seed: int
) -> Request[np.ndarray]:
    """The bound on log p(image | caption) of each image, nats, float32 [B]."""
    if isinstance(pngs, bytes) or not len(pngs):
        raise RequestError("Expected a list of at least one image, each the bytes of a PNG.")
    inputs = {
        contract.PNG_BYTES_IN: _strings(pngs),
        contract.PROMPT: _strings([_checked_prompt(prompt)] * len(pngs)),
        contract.SEED: _seeds(seed, 1).repeat(len(pngs)),
    }
    return _predict(connection, contract.SCORE, inputs, lambda outputs: outputs[contract.BOUND])


def metadata(connection: Connection) -> Request[Metadata]:
    """The model's signatures."""
    request = messages.GetModelMetadataRequest(
        model_spec=_spec(connection), metadata_field=[_SIGNATURE_DEF]
    )

    def read(answer: bytes) -> Metadata:
        response = _parsed(messages.GetModelMetadataResponse, answer)
        packed = response.metadata[_SIGNATURE_DEF].value
        definitions = _parsed(messages.SignatureDefMap, packed).signature_def
        names = sorted(name for name in definitions if not name.startswith("__"))
        signatures = {name: _signature(name, definitions[name]) for name in names}
        spec = response.model_spec
        return Metadata(spec.name, spec.version.value, signatures)

    return Request(messages.GET_MODEL_METADATA, request.SerializeToString(), read)


def status(connection: Connection) -> Request[list[VersionStatus]]:
    """The versions of the model on the server, newest first."""
    request = messages.GetModelStatusRequest(model_spec=_spec(connection))

    def read(answer: bytes) -> list[VersionStatus]:
        response = _parsed(messages.GetModelStatusResponse, answer)
        newest_first = sorted(response.model_version_status, key=lambda item: -item.version)
        return [
            VersionStatus(
                item.version,
                messages.STATES.get(item.state, str(item.state)),
                item.status.error_message,
            )
            for item in newest_first
        ]

    return Request(messages.GET_MODEL_STATUS, request.SerializeToString(), read)


def _predict(
    connection: Connection,
    signature: Signature,
    inputs: Arrays,
    read_outputs: Callable[[Arrays], Answer],
) -> Request[Answer]:
    request = messages.PredictRequest(
        model_spec=_spec(connection, signature.name),
        # Without a filter an export with a sharpener would compute and send its images as well.
        output_filter=sorted(signature.outputs),
    )
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(to_proto(array))

    def read(answer: bytes) -> Answer:
        outputs = _parsed(messages.PredictResponse, answer).outputs
        return read_outputs({name: to_array(outputs[name]) for name in signature.outputs})

    return Request(messages.PREDICT, request.SerializeToString(), read)


def _spec(connection: Connection, signature_name: str = ""):
    spec = messages.ModelSpec(name=connection.model, signature_name=signature_name)
    if connection.version is not None:
        spec.version.value = connection.version
    if connection.label is not None:
        spec.version_label = connection.label
    return spec


def _parsed(message_class, content: bytes):
    try:
        return message_class.FromString(content)
    except DecodeError as error:
        raise ServingError(
            "The server's answer is not a message of TensorFlow Serving's protocol."
        ) from error


def _steered(plain: Signature, inputs: Arrays) -> tuple[Signature, Arrays]:
    """The signature that takes these inputs, with the outputs of the one without steering."""
    if contract.GUIDANCE not in inputs:
        return plain, inputs
    steered = contract.DRAW_BEST if contract.BEST_OF in inputs else contract.DRAW_GUIDED
    selected = next(names for names in steered.selections if plain.outputs.keys() <= set(names))
    return replace(steered, outputs={name: steered.outputs[name] for name in selected}), inputs


def _pictures(first: int, outputs: Arrays) -> list[Picture]:
    seeds = _drawn_seeds(first, outputs)
    rows = zip(seeds, outputs[contract.IMAGE], outputs[contract.PNG_BYTES], strict=True)
    return [Picture(*row) for row in rows]


def _drawings(first: int, outputs: Arrays) -> list[Drawing]:
    return [
        _drawing(seed, {name: array[i] for name, array in outputs.items()})
        for i, seed in enumerate(_drawn_seeds(first, outputs))
    ]


def _drawn_seeds(first: int, outputs: Arrays) -> list[int]:
    """The seed of each image: the one that the server chose, or the next of those asked for."""
    if contract.CHOSEN_SEED in outputs:
        return outputs[contract.CHOSEN_SEED].tolist()
    return [first + i for i in range(len(outputs[contract.PNG_BYTES]))]


def _unknown(outputs: Arrays) -> list[str]:
    words = zip(outputs[contract.WORDS].ravel(), outputs[contract.KNOWN].ravel(), strict=True)
    unknown = (word.decode(errors="replace") for word, known in words if word and not known)
    return list(dict.fromkeys(unknown))


def _drawing(seed: int, row: Arrays) -> Drawing:
    """One row of the batch, without the padding after the end of its caption."""
    length = sum(1 for word in row[contract.WORDS] if word)
    return Drawing(
        seed=seed,
        canvases=row[contract.CANVASES],
        windows=row[contract.WINDOWS],
        words=tuple(word.decode(errors="replace") for word in row[contract.WORDS][:length]),
        known=tuple(row[contract.KNOWN][:length].tolist()),
        alignment=row[contract.ALIGNMENT][:, :length],
        png=row[contract.PNG_BYTES],
    )


def _signature(name: str, definition) -> Signature:
    return Signature(name, _tensors(definition.inputs), _tensors(definition.outputs))


def _tensors(infos) -> dict[str, Tensor]:
    return {
        name: Tensor(
            DTYPE_NAMES.get(infos[name].dtype, str(infos[name].dtype)),
            str([dim.size for dim in infos[name].tensor_shape.dim]),
        )
        for name in sorted(infos)
    }


def _drawing_inputs(
    prompt: str,
    n: int,
    seed: int,
    temperature: float,
    guidance: float,
    instead_of: str,
    best_of: int,
) -> Arrays:
    if not (_is_whole(n) and 1 <= n <= contract.MAX_CANVASES):
        raise RequestError(
            f"The number of images must be from 1 to {contract.MAX_CANVASES:,}, not {n:,}."
        )
    if not 0 <= temperature <= contract.MAX_TEMPERATURE:  # NaN is not
        raise RequestError(
            "Expected the temperature to be 0 or more and at most"
            f" {contract.MAX_TEMPERATURE:.0f}, got {temperature:g}."
        )
    steering = _steering_inputs(n, guidance, instead_of, best_of)
    return {
        contract.PROMPT: _strings([_checked_prompt(prompt)] * n),
        contract.SEED: _seeds(seed, n, best_of),
        contract.TEMPERATURE: np.full(n, temperature, np.float32),
        **steering,
    }


def _steering_inputs(n: int, guidance: float, instead_of: str, best_of: int) -> Arrays:
    """The inputs of the steered signatures; none of them where there is nothing to steer."""
    if not 0 <= guidance <= contract.MAX_GUIDANCE:
        raise RequestError(
            f"The guidance must be from 0 to {contract.MAX_GUIDANCE:g}, not {guidance:g}."
        )
    if not (_is_whole(best_of) and 1 <= best_of <= contract.MAX_BEST_OF):
        raise RequestError(
            f"The number of drawings to choose from must be from 1 to {contract.MAX_BEST_OF}, not"
            f" {best_of:,}."
        )
    instead_of = instead_of if instead_of.strip() else ""  # without words: the empty caption
    if guidance == 0 and best_of == 1:
        if instead_of:
            raise RequestError(
                "A caption to move away from has no effect without guidance, or several drawings to"
                " choose from."
            )
        return {}
    guided = {
        contract.GUIDANCE: np.full(n, guidance, np.float32),
        contract.INSTEAD_OF: _strings([_checked_prompt(instead_of) if instead_of else b""] * n),
    }
    return guided | ({contract.BEST_OF: np.full(n, best_of, np.int64)} if best_of > 1 else {})


def _checked_prompt(prompt: str) -> bytes:
    """The caption in UTF-8. Raises RequestError where it is empty, too long or not text."""
    if not prompt.strip():
        raise RequestError("The caption is empty: describe in a few words what to draw.")
    try:
        content = prompt.encode()
    except UnicodeEncodeError as error:
        raise RequestError("The caption is not text: its bytes are not UTF-8.") from error
    if len(content) > contract.MAX_PROMPT_BYTES:
        raise RequestError(
            f"The caption is too long: {len(content):,} bytes, where a model reads at most "
            f"{contract.MAX_PROMPT_BYTES:,}. Describe the image in one sentence."
        )
    return content


def _seeds(first: int, n: int, candidates: int = 1) -> np.ndarray:
    """The seeds int64 [n]; those of an image's candidates, `candidates` times as large, fit too."""
    if not _is_whole(first):
        raise RequestError(f"The seed must be a whole number, not {first}.")
    first = int(first)  # NumPy's numbers would wrap around below
    if not -(2**63) <= candidates * first <= 2**63 - candidates * n:
        raise RequestError(f"The seeds must fit in 64 bits: {first} is too large or too small.")
    return first + np.arange(n, dtype=np.int64)


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer)


def _strings(values: Sequence[bytes]) -> np.ndarray:
    """String [B] as an object array; NumPy's own bytes dtype would cut trailing NULs."""
    return np.array(values, object)
