"""The export of a tiny model: its checks, its answers, and the requests that it refuses."""

import dataclasses
import os
import shutil
import signal
import struct
import time
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from serving import contract
from serving.cli import main
from serving.errors import ServingError
from serving.export import export, validate
from serving.export.choose_module import build_served_module
from serving.export.validate import check
from serving.server.servables.servable import Servable
from serving.server.status import StatusError, as_status_error
from t2i_tf.checkpoints import Trained
from t2i_tf.models import build_model
from t2i_tf.presets import preset
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

WORDS = ("a", "red", "bus", "in", "the", "rain", ".")


@pytest.fixture(
    scope="module",
    params=["align-draw-tiny", pytest.param("noalign-draw-tiny", marks=pytest.mark.slow)],
)
def trained(request):
    vocabulary = Vocabulary.from_counts(dict.fromkeys(WORDS, 1))
    config = preset(request.param).config
    sizes = dataclasses.replace(
        config.model, height=6, width=8, vocabulary_size=len(vocabulary), initial_canvas=-0.5
    )
    model = build_model(sizes)
    config = dataclasses.replace(config, model=sizes)
    reader = TokenReader(Tokenizer(vocabulary, config.max_words))
    return Trained(model, config, vocabulary, reader, 0)


@pytest.fixture(scope="module")
def model(trained):
    return build_served_module(trained)


@pytest.fixture(scope="module")
def version(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "1"
    export.save(model, folder)
    return folder


@pytest.fixture(scope="module")
def servable(version):
    servable = Servable(version)
    yield servable
    servable.close()


def ask(servable, name, prompts=("a red bus",), seeds=(0,), temperature=1.0, **more):
    feeds = {
        contract.PROMPT: np.array([p.encode() for p in prompts], object),
        contract.SEED: np.array(seeds, np.int64),
        contract.TEMPERATURE: np.full(len(prompts), temperature, np.float32),
    } | more
    signature = servable.signature(name)
    return servable.run(signature, {key: feeds[key] for key in signature.inputs})


def test_every_check_passes(version, servable, model, monkeypatch):
    # A loaded export is slow the first time it runs: this one serves the tests below as well.
    monkeypatch.setattr(validate, "Servable", lambda folder: servable)
    monkeypatch.setattr(servable, "close", lambda: None)
    *passed, answers = check(version, model)
    assert len(passed) == 4 and "the model's own" in answers


def test_an_export_that_answers_otherwise_is_refused(version, servable, model, monkeypatch):
    monkeypatch.setattr(validate, "_equal", lambda name, expected, found: name != contract.WINDOWS)
    with pytest.raises(ServingError, match="draw_steps, in a batch: windows differs"):
        validate.check_answers(version, servable, model)


def test_a_model_that_answers_otherwise_in_a_batch_is_named_as_the_cause(version, servable, model):
    def answering(change):
        """The model with bounds that a function of bounds [B] changes."""
        score = lambda **inputs: {"bound": change(model.score(**inputs)["bound"])}  # noqa: E731
        return SimpleNamespace(methods={contract.SCORE: score}, examples=model.examples)

    diverged = answering(lambda bounds: bounds * len(bounds))
    with pytest.raises(ServingError, match=r"score, in a batch: bound .* untrained or diverged"):
        validate.check_answers(version, servable, diverged)
    with pytest.raises(ServingError, match=r"bound differs from the model's own answer\.$"):
        validate.check_answers(version, servable, answering(lambda bounds: bounds + 9))


def test_the_steps_end_in_the_image_and_come_with_the_words(servable, trained):
    prompts, seeds = ["a red bus .", "the zebra"], [3, 4]
    steps = ask(servable, "draw_steps", prompts, seeds)
    draw = ask(servable, "serving_default", prompts, seeds)
    np.testing.assert_array_equal(steps["canvases"][:, -1], draw["image"])
    assert list(steps["png_bytes"]) == list(draw["png_bytes"])
    decoded = tf.io.decode_png(draw["png_bytes"][1]).numpy()
    np.testing.assert_array_equal(decoded, draw["image"][1])
    assert steps["canvases"].shape == (2, 3, 6, 8, 3)
    assert steps["words"][1].tolist()[:3] == [b"the", b"zebra", b""]
    assert steps["known"][1].tolist()[:3] == [True, False, False]
    np.testing.assert_allclose(steps["alignment"].sum(-1), 1, rtol=1e-5)


def test_score_is_the_models_own_bound(servable, trained):
    image = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), np.uint8)
    png = np.array([tf.io.encode_png(one).numpy() for one in image], object)
    prompts, seeds = ["a red bus", "rain"], [5, 6]
    bound = ask(servable, "score", prompts, seeds, png_bytes_in=png)["bound"]
    ids = Tokenizer(trained.vocabulary, trained.config.max_words)(tf.constant(prompts), pad=True)
    noise = trained.model.noise(tf.constant(seeds))
    terms = trained.model.bound_terms(image, ids, noise)
    expected = -(terms["reconstruction_nll"] + tf.reduce_sum(terms["kl_per_step"], 0))
    np.testing.assert_allclose(bound, expected, rtol=1e-5)


def test_temperature_0_makes_the_seed_irrelevant(servable):
    one, other = (ask(servable, "serving_default", seeds=[s], temperature=0.0) for s in (1, 2))
    np.testing.assert_array_equal(one["image"], other["image"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"temperature": -1.0}, "temperature: expected numbers from 0 to 1000000, got"),
        ({"temperature": np.nan}, "temperature: expected numbers from 0 to 1000000"),
        ({"temperature": np.inf}, "temperature: expected numbers from 0 to 1000000"),
        ({"temperature": 1.1e6}, "temperature: expected numbers from 0 to 1000000"),
        ({"prompts": [""]}, "expected 1 to 16 words"),
        ({"prompts": ["a " * 17]}, "expected 1 to 16 words"),
        ({"prompts": ["a" * 5000]}, "at most 4096 bytes"),
        ({"prompts": [], "seeds": []}, "expected 1 to 1365 of them"),
        ({"prompts": ["a", "bus"]}, "expected as many of every input as there are prompts"),
        ({"seeds": [1, 2]}, "expected as many of every input as there are prompts"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(servable, changes, reason):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        ask(servable, "draw_steps", **changes)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("prompts", [["a " * 26] * 4, ["a", "a " * 26, "a " * 30, "a"]])
def test_the_refusal_of_a_long_caption_names_its_length_once(servable, prompts):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        ask(servable, "draw_steps", prompts, seeds=range(4))
    text = as_status_error(refusal.value).text
    assert text == "prompt: expected 1 to 16 words and marks, got 26"


def test_an_export_states_the_most_words_of_a_caption(servable):
    words = servable.signature_defs["draw_steps"].outputs["words"]
    assert [dimension.size for dimension in words.tensor_shape.dim] == [-1, 16]


@pytest.mark.parametrize("png", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_broken_image_is_refused(servable, png):
    with pytest.raises(tf.errors.InvalidArgumentError):
        ask(servable, "score", png_bytes_in=np.array([png], object))


def test_an_image_of_another_size_is_refused_with_the_size(servable):
    png = tf.io.encode_png(np.zeros((5, 8, 3), np.uint8)).numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected 6 x 8 pixels"):
        ask(servable, "score", png_bytes_in=np.array([png], object))


def _png_of_zeros(height: int, width: int) -> bytes:
    """A small PNG that promises many pixels: the decoder would make room for them first."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000_000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_the_size_of_an_image_is_checked_before_it_is_decoded(servable):
    png = _png_of_zeros(4_000, 4_000)  # within what the server itself refuses
    start = time.perf_counter()
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected 6 x 8 pixels in PNG, got"):
        ask(servable, "score", ["a"] * 64, [0] * 64, png_bytes_in=np.array([png] * 64, object))
    assert time.perf_counter() - start < 1.5
    with pytest.raises(StatusError, match="50000 x 50000 pixels are too many"):
        ask(servable, "score", png_bytes_in=np.array([_png_of_zeros(50_000, 50_000)], object))


def _ancestors(graph, name: str) -> set[str]:
    """Names of all operations that an operation waits for."""
    found, left = set(), [graph.get_operation_by_name(name)]
    while left:
        operation = left.pop()
        for before in [tensor.op for tensor in operation.inputs] + operation.control_inputs:
            if before.name not in found:
                found.add(before.name)
                left.append(before)
    return found


def test_nothing_reads_a_caption_before_its_length_is_checked(model):
    for function in model.signatures().values():
        graph = function.graph
        lengths = {op.name for op in graph.get_operations() if op.type == "StringLength"}
        readers = [op.name for op in graph.get_operations() if op.type == "StringLower"]
        assert readers and lengths
        assert all(_ancestors(graph, reader) & lengths for reader in readers)


def test_an_endless_caption_is_refused_at_once(servable):
    start = time.perf_counter()
    with pytest.raises(StatusError, match="at most 4096 bytes, got 60000000"):
        ask(servable, "draw_steps", ["word " * 12_000_000])
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 4096 bytes"):
        ask(servable, "draw_steps", ["word " * 50_000])
    assert time.perf_counter() - start < 2


def test_checks_find_what_no_server_could_run(tmp_path):
    with pytest.raises(ServingError, match=r"no saved_model\.pb"):
        check(tmp_path)
    compiled = tf.Module()
    compiled.f = tf.function(
        lambda x: x + 1, jit_compile=True, input_signature=[tf.TensorSpec([None])]
    )
    tf.saved_model.save(compiled, str(tmp_path / "xla"))
    with pytest.raises(ServingError, match="demands XLA"):
        check(tmp_path / "xla")
    python = tf.Module()
    python.f = tf.function(
        lambda x: tf.py_function(lambda y: y, [x], tf.float32),
        input_signature=[tf.TensorSpec([None])],
    )
    tf.saved_model.save(python, str(tmp_path / "python"))
    with pytest.raises(ServingError, match="calls Python"):
        check(tmp_path / "python")


def test_versions_are_numbered_and_appear_whole(trained, version, tmp_path, monkeypatch):
    models, checked = tmp_path / "models", []

    def save(model, folder):
        shutil.copytree(version, folder, dirs_exist_ok=True)

    def check(folder, model):
        assert (folder / "saved_model.pb").is_file() and not folder.name.isdecimal()
        checked.append(folder)

    monkeypatch.setattr(export, "load_trained", lambda workdir, which: trained)
    monkeypatch.setattr(export, "save", save)
    monkeypatch.setattr(export, "check", check)
    assert export.export(tmp_path / "run", models).name == "1"
    (models / "7").mkdir()
    assert export.export(tmp_path / "run", models).name == "8"
    assert len(checked) == 2 and (models / "8" / "saved_model.pb").is_file()

    def refuse(folder, model):
        raise ServingError("no")

    monkeypatch.setattr(export, "check", refuse)
    with pytest.raises(ServingError):
        export.export(tmp_path / "run", models)
    assert sorted(path.name for path in models.iterdir()) == ["1", "7", "8"]


@pytest.mark.parametrize("content", [b"", b"\x93 no graph"])
def test_a_damaged_graph_is_one_sentence(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ServingError, match=r"saved_model\.pb is damaged: it holds no graph"):
        check(tmp_path)


def test_a_full_disk_leaves_nothing_behind(trained, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(export, "load_trained", lambda *arguments: trained)
    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(ServingError, match="1 cannot be written: No space left on device"):
        export.export("run", tmp_path / "t2i")
    assert not list((tmp_path / "t2i").iterdir())


def test_sigterm_ends_an_export_in_good_order(monkeypatch):
    """By default it would end the process on the spot, and leave the unfinished folder behind."""
    monkeypatch.setattr(
        "serving.export.export.export", lambda *_: os.kill(os.getpid(), signal.SIGTERM)
    )
    with pytest.raises(SystemExit) as ended:
        main(["export", "--workdir", "run", "--out", "models"])
    assert ended.value.code == 128 + signal.SIGTERM
