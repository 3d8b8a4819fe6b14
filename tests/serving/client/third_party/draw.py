"""Draws "a red bus" with two clients of other authors, and prints their answers as JSON.

python draw.py GRPC_ADDRESS REST_ADDRESS
"""

import base64
import json
import sys

import numpy as np
import ovmsclient
from grpc_requests import Client
from ovmsclient.tfs_compat.base.errors import InvalidInputError

PREDICTION = "tensorflow.serving.PredictionService"
MODEL = "t2i"
VERSION = 1  # this client sends version 0 where none is named, which only its own server serves


def by_reflection(address):
    """grpc-requests reads the services from the server's reflection, and takes dictionaries."""

    def tensor(dtype, **values):
        return {"dtype": dtype, "tensor_shape": {"dim": [{"size": 1}]}, **values}

    client = Client.get_by_endpoint(address)
    prompt = base64.b64encode(b"a red bus").decode()
    answer = client.request(
        PREDICTION,
        "Predict",
        {
            "model_spec": {"name": MODEL},
            "inputs": {
                "prompt": tensor("DT_STRING", string_val=[prompt]),
                "seed": tensor("DT_INT64", int64_val=[3]),
                "temperature": tensor("DT_FLOAT", float_val=[1.0]),
            },
            "output_filter": ["png_bytes"],
        },
    )
    return {
        "services": sorted(client.service_names),
        "png": answer["outputs"]["png_bytes"]["string_val"][0],
    }


def by_ovmsclient(client):
    """A client of OpenVINO's server, which speaks the same protocol."""
    inputs = {
        "prompt": ["a red bus"],
        "seed": np.array([3], np.int64),
        "temperature": np.array([1.0], np.float32),
    }
    status = client.get_model_status(MODEL, VERSION)
    # Over REST the client returns it as it is: it knows only its own server's form.
    metadata = client.get_model_metadata(MODEL, VERSION)
    [png] = client.predict(inputs, MODEL, VERSION)["png_bytes"]
    try:
        refused = client.predict(inputs | {"prompt": ["bus " * 26]}, MODEL, VERSION)
    except InvalidInputError as error:
        refused = str(error)
    return {
        "state": status[VERSION]["state"],
        "metadata": sorted(metadata),
        "png": png["b64"] if isinstance(png, dict) else base64.b64encode(png).decode(),
        "refused": refused,
    }


if __name__ == "__main__":
    grpc_address, rest_address = sys.argv[1:]
    answers = {
        "grpc-requests": by_reflection(grpc_address),
        "ovmsclient, gRPC": by_ovmsclient(ovmsclient.make_grpc_client(grpc_address)),
        "ovmsclient, REST": by_ovmsclient(ovmsclient.make_http_client(rest_address)),
    }
    print(json.dumps(answers))
