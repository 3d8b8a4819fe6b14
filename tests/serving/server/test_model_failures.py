"""What a client reads when the model itself fails: nothing of TensorFlow's graph, on any way in."""

import base64

import grpc
import numpy as np
import pytest

from serving import contract
from serving.server.rest_api.rest import error_response
from serving.server.status import StatusError

LONG = "bus " * 26
FAILURES = {
    "too many words": ("", {"prompt": [LONG], "seed": [0], "temperature": [1.0]}),
    "too many in a batch": (
        "draw_steps",
        {"prompt": ["a bus", LONG], "seed": [0, 1], "temperature": [1.0, 1.0]},
    ),
    "no words": ("", {"prompt": [""], "seed": [0], "temperature": [1.0]}),
    "other counts": ("", {"prompt": ["a", "b", "c"], "seed": [0, 1], "temperature": [1.0, 1.0]}),
    "two dimensions": ("", {"prompt": [["a bus"]], "seed": [0], "temperature": [1.0]}),
    "no PNG": ("score", {"png_bytes_in": [b"GIF8"], "prompt": ["a bus"], "seed": [0]}),
}
DTYPES = {contract.SEED: np.int64, contract.TEMPERATURE: np.float32}


@pytest.mark.parametrize("case", FAILURES)
def test_no_text_of_the_graph_reaches_a_client(drawing_server, case):
    signature, inputs = FAILURES[case]
    arrays = {name: np.array(value, DTYPES.get(name)) for name, value in inputs.items()}
    status, text = drawing_server.failure("t2i", arrays, signature=signature)
    code, answer = drawing_server.rest("/v1/models/t2i:predict", document(signature, inputs))
    assert status == "INVALID_ARGUMENT" and code == 400
    for found in (text, answer["error"]):
        assert found and not any(sign in found for sign in ("{{", "[[", "assertion", "node ", "\n"))


def document(signature, inputs):
    written = {
        name: [
            {"b64": base64.b64encode(one).decode()} if isinstance(one, bytes) else one
            for one in value
        ]
        for name, value in inputs.items()
    }
    return {"inputs": written} | ({"signature_name": signature} if signature else {})


def test_too_many_words_name_the_limit_and_the_count(drawing_server):
    _, inputs = FAILURES["too many words"]
    expected = "prompt: expected 1 to 16 words and marks, got 26"
    arrays = {name: np.array(value, DTYPES.get(name)) for name, value in inputs.items()}
    assert drawing_server.failure("t2i", arrays)[1] == expected
    answer = drawing_server.rest("/v1/models/t2i:predict", {"inputs": inputs})
    assert answer == (400, {"error": expected})


def test_a_resource_that_is_exhausted_is_429():
    assert (
        error_response(StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")).status_code == 429
    )
