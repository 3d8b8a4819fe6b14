"""A thousand mutations of a valid request over each protocol: proper statuses, and no crash.

Half of them damage bytes, which mostly breaks the format; half keep the format and damage the
contents.
"""

import copy
import http.client
import json
import random
from collections import Counter

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from tests.patience import PATIENCE
from tests.serving.server_process import floats, request

MUTATIONS = 1_000
GROWTH = 1.2
PREDICT = "/tensorflow.serving.PredictionService/Predict"
EXPECTED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "INTERNAL"}

GOOD = request(
    "solid_colour",
    {
        "prompt": np.array([b"a red bus", b"a blue house"], object),
        "seed": np.array([1, 2], np.int64),
        "temperature": floats(1, 0.5),
    },
    outputs=("image", "png_bytes"),
)
GOOD_JSON = {
    "signature_name": "serving_default",
    "instances": [
        {"prompt": "a red bus", "seed": 1, "temperature": 1.0},
        {"prompt": {"b64": "YSBibHVl"}, "seed": 2, "temperature": 0.5},
    ],
}
ODD = [
    None,
    True,
    -1,
    0,
    2**40,
    1e39,
    float("nan"),
    "",
    "x\0y",
    "\udc00",
    [],
    [[1]],
    {},
    {"b64": "*"},
]


def _grpc_bodies() -> list[bytes]:
    source, data = random.Random(0), GOOD.SerializeToString()
    damaged = [_mutate_bytes(data, source) for _ in range(MUTATIONS // 2)]
    return damaged + [_mutate_message(source) for _ in range(MUTATIONS // 2)]


def _rest_bodies() -> list[bytes]:
    source, data = random.Random(0), json.dumps(GOOD_JSON).encode()
    damaged = [_mutate_bytes(data, source) for _ in range(MUTATIONS // 2)]
    return damaged + [_mutate_json(source) for _ in range(MUTATIONS // 2)]


def _mutate_message(source: random.Random) -> bytes:
    """A well-formed request with other contents."""
    message = PredictRequest()
    message.CopyFrom(GOOD)
    name = source.choice(sorted(message.inputs))
    tensor, other = message.inputs[name], source.choice(sorted(message.inputs))
    match source.randrange(9):
        case 0:
            del message.inputs[name]
        case 1:
            message.inputs[source.choice(["x", "", "prompt "])].CopyFrom(tensor)
        case 2:
            tensor.dtype = source.randrange(30)
        case 3:
            tensor.tensor_shape.dim.add(size=source.choice([-1, 0, 1, 2, 3, 2**20, 2**62]))
        case 4:
            tensor.tensor_shape.dim[0].size = source.choice([-1, 0, 1, 3, 1_000, 2**40])
        case 5:
            message.model_spec.signature_name = source.choice(["score", "x", "é" * 2_000])
        case 6:
            message.model_spec.version.value = source.choice([-1, 0, 1, 2, 2**63 - 1])
        case 7:
            message.output_filter.append(source.choice(["image", "x", ""]))
        case 8:
            tensor.CopyFrom(message.inputs[other])
            tensor.tensor_content = source.randbytes(source.randrange(20))
    return message.SerializeToString()


def _mutate_json(source: random.Random) -> bytes:
    """A JSON document with one value replaced by an odd one, or left out."""
    document = copy.deepcopy(GOOD_JSON)
    row = source.choice(document["instances"])
    holder, key = source.choice([(document, "signature_name"), (document, "instances"), (row, "x")])
    key = source.choice(sorted(row)) if holder is row else key
    holder[key] = source.choice(ODD)
    if source.random() < 0.2:
        del holder[key]
    return json.dumps(document).encode()


def _mutate_bytes(data: bytes, source: random.Random) -> bytes:
    """Flip, drop, double or insert a few bytes."""
    mutated = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at = source.randrange(len(mutated))
        match source.randrange(4):
            case 0:
                mutated[at] ^= 1 << source.randrange(8)
            case 1:
                del mutated[at : at + source.randint(1, 8)]
            case 2:
                mutated[at:at] = mutated[at : at + source.randint(1, 8)]
            case 3:
                mutated[at:at] = source.randbytes(source.randint(1, 4))
        if not mutated:
            mutated = bytearray(data)
    return bytes(mutated)


def _send_grpc(server, bodies: list[bytes]) -> Counter:
    statuses = Counter()
    call = server.channel.unary_unary(PREDICT, None, None)
    for body in bodies:
        try:
            call(body, timeout=PATIENCE)
            statuses["OK"] += 1
        except grpc.RpcError as error:
            statuses[error.code().name] += 1
            assert "Traceback" not in error.details() and ".py" not in error.details()
    return statuses


def _send_rest(server, bodies: list[bytes]) -> Counter:
    statuses = Counter()
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=PATIENCE)
    for body in bodies:
        connection.request("POST", "/v1/models/solid_colour:predict", body)
        response = connection.getresponse()
        answer = response.read()
        statuses[response.status] += 1
        assert response.status == 200 or set(json.loads(answer)) == {"error"}
        assert b"Traceback" not in answer and b'.py"' not in answer
    connection.close()
    return statuses


@pytest.mark.parametrize(
    ("send", "good", "bodies", "expected"),
    [
        (_send_grpc, GOOD.SerializeToString(), _grpc_bodies, EXPECTED),
        (_send_rest, json.dumps(GOOD_JSON).encode(), _rest_bodies, {200, 400, 404}),
    ],
    ids=["grpc", "rest"],
)
def test_a_thousand_mutations(server, send, good, bodies, expected):
    send(server, [good] * 50)
    before = server.resident_kib()
    statuses = send(server, bodies())
    print(dict(statuses), f"{before} KiB -> {server.resident_kib()} KiB")
    assert set(statuses) <= expected
    assert sum(statuses.values()) == MUTATIONS
    assert server.resident_kib() <= before * GROWTH
    assert server.is_serving()
    assert set(send(server, [good])) <= {"OK", 200}
    assert "Traceback" not in server.log() and "cause=" not in server.log()
