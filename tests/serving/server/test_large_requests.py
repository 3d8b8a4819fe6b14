"""What is far too large is refused before any value of it is converted."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest

from serving import contract
from serving.server.rest_api import json_predict
from serving.server.servables import predict, tensors
from serving.server.servables.signature import Signature, TensorInfo
from serving.server.status import StatusError

TOO_MANY = contract.MAX_ROWS + 1
INPUTS = {"prompt": tf.string, "seed": tf.int64, "temperature": tf.float32}
DRAW = Signature(
    "serving_default", {name: TensorInfo(name, dtype) for name, dtype in INPUTS.items()}, {}
)
ONE = {"prompt": ["a"], "seed": [0], "temperature": [1.0]}


def _never(*arguments):
    raise AssertionError("a value was converted")


class _Servable:
    def signature(self, name: str) -> Signature:
        return DRAW

    def run(self, signature, feeds, output_filter, timeout) -> dict[str, np.ndarray]:
        return feeds


@pytest.mark.parametrize("name", list(INPUTS))
def test_too_many_values_of_an_input_over_rest(monkeypatch, name):
    monkeypatch.setattr(json_predict, "to_array", _never)
    inputs = ONE | {name: ONE[name] * TOO_MANY}
    with pytest.raises(StatusError, match=f"{name}: expected at most 4096 of them, got {TOO_MANY}"):
        json_predict.feeds({"inputs": inputs}, DRAW)


def test_too_many_rows_over_rest(monkeypatch):
    monkeypatch.setattr(json_predict, "to_array", _never)
    row = {name: values[0] for name, values in ONE.items()}
    with pytest.raises(StatusError, match=f"expected at most 4096 of them, got {TOO_MANY}"):
        json_predict.feeds({"instances": [row] * TOO_MANY}, DRAW)


@pytest.mark.parametrize("name", list(INPUTS))
def test_too_many_values_of_an_input_over_grpc(monkeypatch, name):
    monkeypatch.setattr(predict, "to_array", _never)
    request = PredictRequest()
    for each, values in (ONE | {name: ONE[name] * TOO_MANY}).items():
        request.inputs[each].CopyFrom(tf.make_tensor_proto(values, INPUTS[each]))
    with pytest.raises(StatusError, match=f"{name}: expected at most 4096 of them, got {TOO_MANY}"):
        predict.predict(_Servable(), request)


def test_as_many_as_any_model_takes_reach_it():
    rows = json_predict.feeds({"inputs": {k: v * (TOO_MANY - 1) for k, v in ONE.items()}}, DRAW)
    assert {name: len(values) for name, values in rows.items()} == dict.fromkeys(INPUTS, 4096)


@pytest.mark.parametrize("part", ["[],", "{},", '"",', "0,", '{"":0},', "[0,0],"])
def test_a_body_of_too_many_values_is_not_parsed(monkeypatch, part):
    monkeypatch.setattr(json, "loads", _never)
    body = b'{"inputs": [' + part.encode() * (json_predict.MAX_VALUES + 1) + b"0]}"
    with pytest.raises(StatusError, match="Expected at most 4000000 commas and opening brackets"):
        json_predict.parse(body)


def test_more_values_than_the_shape_has_are_not_converted(monkeypatch):
    monkeypatch.setattr(tf, "make_ndarray", _never)
    proto = tf.make_tensor_proto([b""], tf.string)
    proto.string_val.extend([b""] * 1_000_000)
    with pytest.raises(StatusError, match="tensor parsing error: x"):
        tensors.to_array("x", proto)
