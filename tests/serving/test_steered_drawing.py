"""Guidance and the best of several, from the export over gRPC to the client and its command."""

import asyncio
import dataclasses
import io
import json
from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from pipelines.cli import main as pipelines_main
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.steering import Steering
from serving import contract
from serving.cli import main
from serving.client import messages
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.errors import RequestError, ServingError
from serving.export import export
from serving.export.choose_module import build_served_module
from serving.export.validate import _same_choice, check
from serving.export.warmup_writer import write_warmup
from serving.server.servables.warmup import WARMUP_FILE
from t2i_tf import checkpoints
from t2i_tf.checkpoints import Trained
from t2i_tf.config import LapganConfig, OptimizerConfig, TrainConfig, VaeConfig
from t2i_tf.image_ops import to_pixels
from t2i_tf.models import build_model
from t2i_tf.number_ranges import GUIDANCE, TEMPERATURE
from t2i_tf.optimizers import build_optimizer
from t2i_tf.text.vocabulary import Vocabulary
from tests.data_folders import WORDS
from tests.patience import PATIENCE
from tests.serving.server_process import ServerThread
from tests.t2i_tf.tiny import CONFIG

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

VOCABULARY = Vocabulary.from_counts(dict.fromkeys(WORDS, 1))
CAPTION, OTHER = "a red bus", "a green car tree"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The work folder of a tiny alignDRAW with an empty caption and weights far from zero."""
    folder = tmp_path_factory.mktemp("run")
    config = TrainConfig(
        model=dataclasses.replace(CONFIG, vocabulary_size=len(VOCABULARY)),
        optimizer=OptimizerConfig(ema=0),
        max_words=8,
        xla=False,
        caption_dropout=0.1,
    )
    model = build_model(config.model, caption_dropout=0.1)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(0.4 * rng.standard_normal(weight.shape))
    model.compile(build_optimizer(config.optimizer), jit_compile=False)
    checkpoints.write_config(folder, config)
    VOCABULARY.save(folder / "vocabulary.txt")
    checkpoints.CheckpointFolder(folder / "checkpoints").save(model, {})
    return folder


@pytest.fixture(scope="module")
def trained(run):
    return checkpoints.load(run)


@pytest.fixture(scope="module")
def models(trained, tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "t2i"
    export.save(build_served_module(trained), base / "1")
    return base


@pytest.fixture(scope="module")
def server(models):
    server = ServerThread(f"--model-base-path={models}", "--enable_model_warmup=false")
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def steered(trained):
    """A function that makes a sampler, once for every steering."""
    return cache(lambda **steering: Sampler(trained, steering=Steering(**steering)))


@pytest.mark.slow  # every signature, in a batch and alone
def test_the_export_passes_every_check(models, trained):
    *passed, answers = check(models / "1", build_served_module(trained))
    assert len(passed) == 4 and "the model's own" in answers
    # Two for each of five signatures, and for each of the two selections of two of them.
    assert "18 warm-up requests" in passed[-1]


@pytest.mark.parametrize(
    "steering",
    [
        pytest.param({"guidance": 1.5}, marks=pytest.mark.slow),
        pytest.param({"guidance": 1.5, "instead_of": OTHER}, marks=pytest.mark.slow),
        {"best_of": 4},
        pytest.param({"guidance": 0.5, "best_of": 3, "instead_of": OTHER}, marks=pytest.mark.slow),
    ],
)
def test_what_comes_over_grpc_is_what_generate_draws(client, steered, steering):
    pictures = client.draw(CAPTION, n=6, seed=5, **steering)
    drawings = client.draw_steps(CAPTION, n=6, seed=5, **steering)
    (samples,) = steered(**steering).draw([CAPTION], n=6, seed=5)
    for picture, drawing, sample in zip(pictures, drawings, samples, strict=True):
        assert picture.seed == drawing.seed == sample.seed
        np.testing.assert_array_equal(picture.pixels, sample.image)
        np.testing.assert_array_equal(drawing.canvases, sample.canvases)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(picture.png))), sample.image)
        np.testing.assert_allclose(drawing.alignment, sample.alignment, atol=1e-5)
    plain = client.draw(CAPTION, n=6, seed=5)
    assert any(
        (one.pixels != other.pixels).any() for one, other in zip(pictures, plain, strict=True)
    )


def test_without_weight_a_guided_drawing_is_the_plain_one(server):
    inputs = {
        "prompt": [CAPTION] * 2,
        "seed": np.int64([3, 4]),
        "temperature": np.ones(2, np.float32),
    }
    plain = server.predict("t2i", inputs)
    more = {"guidance": np.zeros(2, np.float32), "instead_of": ["", OTHER]}
    guided = server.predict("t2i", inputs | more, signature="draw_guided")
    images = [tf.make_ndarray(answer.outputs["image"]) for answer in (plain, guided)]
    np.testing.assert_array_equal(*images)


def test_every_row_of_a_batch_has_its_own_settings(server, trained):
    """Captions of other lengths, with or without words to move away from, in one request."""
    rows = [
        (CAPTION, 3, 1.0, 1.5, ""),
        ("a", 4, 0.5, 3.0, OTHER),
        (OTHER, 5, 1.25, 0.0, CAPTION),
        (CAPTION, 3, 1.0, 1.5, "a car"),
        (CAPTION, 6, 0.0, 0.5, ""),
    ]
    prompts, seeds, temperatures, weights, others = zip(*rows, strict=True)
    inputs = {
        "prompt": list(prompts),
        "seed": np.int64(seeds),
        "temperature": np.float32(temperatures),
        "guidance": np.float32(weights),
        "instead_of": list(others),
    }
    answer = server.predict("t2i", inputs, signature="draw_guided")
    images = tf.make_ndarray(answer.outputs["image"])
    model, read = trained.model, trained.reader
    for image, (prompt, seed, temperature, weight, other) in zip(images, rows, strict=True):
        away = read(tf.constant([other])) if other else None
        noise = model.noise([seed], temperature)
        (drawn,) = to_pixels(model.generate(read(tf.constant([prompt])), noise, weight, away).image)
        assert np.abs(image.astype(int) - drawn).max() <= 1
    assert (images[0] != images[3]).any() and (images[0] != images[4]).any()


def test_a_row_chooses_among_its_own_number_of_drawings(server, steered):
    counts = np.int64([4, 1])
    inputs = {
        "prompt": [CAPTION] * 2,
        "seed": np.int64([7, 7]),
        "temperature": np.ones(2, np.float32),
        "guidance": np.zeros(2, np.float32),
        "instead_of": [""] * 2,
        "best_of": counts,
    }
    answer = server.predict("t2i", inputs, signature="draw_best")
    for k, count in enumerate(counts.tolist()):
        ((sample,),) = steered(best_of=count).draw([CAPTION], seed=7)
        assert tf.make_ndarray(answer.outputs["chosen_seed"])[k] == sample.seed
        np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["image"])[k], sample.image)
        if count > 1:
            gain = tf.make_ndarray(answer.outputs["gain"])[k]
            assert gain == pytest.approx(sample.score, abs=1e-3)


def test_the_largest_and_the_smallest_seeds_have_room_for_candidates(client):
    for seed in (2**61 - 1, -(2**61)):
        (picture,) = client.draw(CAPTION, seed=seed, best_of=4)
        assert 4 * seed <= picture.seed < 4 * seed + 4


def test_asyncio(server, client):
    async def draw():
        async with AsyncClient(server.address, timeout=PATIENCE) as asynchronous:
            return await asyncio.gather(
                asynchronous.draw(CAPTION, guidance=1.0, instead_of=OTHER),
                asynchronous.draw_steps(CAPTION, best_of=2),
            )

    (picture,), (drawing,) = asyncio.run(draw())
    assert picture.png == client.draw(CAPTION, guidance=1.0, instead_of=OTHER)[0].png
    assert drawing.png == client.draw(CAPTION, best_of=2)[0].png


def test_guided_and_chosen_drawings_are_timed_with_and_without_a_server(server, models, tmp_path):
    out = tmp_path / "bench.json"
    command = ["bench", CAPTION, "--server", server.address, "--out", str(out), "--warmup", "1"]
    load = ["--clients", "1", "--requests", "2", "--model-base-path", str(models)]
    assert main([*command, *load, "--guidance", "1", "--best-of", "3"]) == 0
    results = json.loads(out.read_text())
    assert results["errors"] == 0 and results["ratio"] > 0


def test_the_commands_write_the_same_pictures(server, run, steered, tmp_path, capsys):
    steering = ["--guidance", "1.5", "--instead-of", OTHER, "--best-of", "3"]
    out = tmp_path / "out.png"
    query = ["query", CAPTION, "--seed", "2", "--out", str(out), "--server", server.address]
    assert main([*query, *steering]) == 0
    served = np.asarray(Image.open(out))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "Best of 3" in line)
    drawn = tmp_path / "drawn"
    generate = ["generate", CAPTION, "--workdir", str(run), "--out", str(drawn)]
    assert pipelines_main([*generate, "--n", "1", "--seed", "2", *steering]) == 0
    seed = line.rpartition("seeds ")[2]
    assert f"'{CAPTION}': seeds {seed}\n" in capsys.readouterr().out
    ((sample,),) = steered(guidance=1.5, instead_of=OTHER).draw([CAPTION], seed=int(seed))
    np.testing.assert_array_equal(served, sample.image)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"guidance": [21.0]}, "guidance: expected numbers from 0 to 20, got 21"),
        ({"guidance": [np.nan]}, "guidance: expected numbers from 0 to 20, got nan"),
        ({"guidance": [-1.0]}, "guidance: expected numbers from 0 to 20"),
        ({"instead_of": ["a " * 9]}, "instead_of: expected at most 8 words and marks, got 9"),
        ({"instead_of": ["a" * 5000]}, "instead_of: expected at most 4096 bytes"),
        ({"instead_of": ["a" * 500_000]}, "instead_of: expected at most 4096 bytes, got 500000"),
        ({"instead_of": ["", ""]}, "expected as many of every input"),
        ({"best_of": [0]}, "best_of: expected numbers from 1 to 64, got 0"),
        ({"best_of": [65]}, "best_of: expected numbers from 1 to 64, got 65"),
        ({"seed": [2**61], "best_of": [4]}, "seed: expected numbers that fit in 64 bits when"),
        ({"seed": [-(2**62) - 1]}, "seed: expected numbers that fit in 64 bits when multiplied by"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(server, changes, reason):
    inputs = {
        "prompt": [CAPTION],
        "seed": np.int64(changes.get("seed", [0])),
        "temperature": np.float32([1]),
        "guidance": np.float32(changes.get("guidance", [1.0])),
        "instead_of": changes.get("instead_of", [""]),
        "best_of": np.int64(changes.get("best_of", [2])),
    }
    with pytest.raises(Exception) as refusal:
        server.predict("t2i", inputs, signature="draw_best")
    assert reason in refusal.value.details()


def test_a_gain_that_is_no_number_does_not_choose(trained, monkeypatch):
    served = build_served_module(trained)
    monkeypatch.setattr(
        trained.model, "gain", lambda image, *_: tf.fill(tf.shape(image)[:1], np.nan)
    )
    seed, count = tf.constant([0], tf.int64), tf.constant([2], tf.int64)
    request = [tf.constant([CAPTION]), seed, tf.ones(1), tf.zeros(1), tf.constant([""]), count]
    with pytest.raises(tf.errors.InvalidArgumentError, match="gain: expected finite numbers"):
        served.draw_best(*request)


@pytest.mark.slow  # every signature is traced again
def test_nothing_reads_a_caption_before_its_length_is_checked(trained):
    for function in build_served_module(trained).signatures().values():
        operations = function.graph.get_operations()
        assert all(
            any(op.type == "StringLength" for op in _ancestors(reader))
            for reader in operations
            if reader.type == "StringLower"
        )


def _ancestors(operation):
    found, left = set(), [operation]
    while left:
        one = left.pop()
        for before in [tensor.op for tensor in one.inputs] + list(one.control_inputs):
            if before not in found:
                found.add(before)
                left.append(before)
    return found


@pytest.mark.parametrize(
    ("steering", "words"),
    [
        ({"guidance": 20.5}, "guidance must be from 0 to 20, not 20.5"),
        ({"guidance": float("nan")}, "guidance must be from 0 to 20"),
        ({"best_of": 65}, "must be from 1 to 64, not 65"),
        ({"best_of": 2.5}, "must be from 1 to 64, not 2.5"),
        ({"instead_of": OTHER}, "no effect without guidance"),
        ({"guidance": 1.0, "instead_of": "long " * 1000}, "too long: 5,000 bytes"),
        ({"best_of": 4, "seed": 2**62}, "seeds must fit in 64 bits"),
    ],
)
def test_wrong_arguments_are_not_sent(client, steering, words):
    with pytest.raises(RequestError, match=words):
        client.draw(CAPTION, **steering)


def test_a_model_without_an_empty_caption_is_exported_as_before(trained):
    model = build_model(trained.config.model)
    served = build_served_module(trained._replace(model=model))
    assert {s.name for s in served.methods} == {"serving_default", "draw_steps", "score"}


def test_a_server_without_the_signature_says_what_it_lacks(drawing_server):
    with Client(drawing_server.address, timeout=PATIENCE) as client:
        assert len(client.draw(CAPTION, n=2)) == 2
        with pytest.raises(ServingError, match=r"no signature for guidance .*--caption-dropout"):
            client.draw(CAPTION, best_of=2)


class Vectors(tf.Module):
    """An encoder that has no vector for a caption without words, and words of its own."""

    vocabulary = Vocabulary.from_counts({"a": 2, "zebra": 1})

    def __call__(self, captions):
        codes = tf.strings.to_hash_bucket_fast(captions[:, None] + tf.constant(list("abcde")), 97)
        words = tf.debugging.Assert(tf.reduce_all(captions != ""), ["no words"])
        with tf.control_dependencies([words]):
            return tf.cast(codes, tf.float32) / 50 - 1


@pytest.mark.slow  # every signature, in a batch and alone
def test_a_model_that_reads_sentences_has_the_signatures_too(tmp_path):
    config = VaeConfig(
        height=6, width=9, sentence_units=5, text_units=4, hidden_units=7, latent_units=3
    )
    served = build_served_module(sentence_model(config))
    export.save(served, tmp_path / "1")
    assert "the model's own" in check(tmp_path / "1", served)[-1]


GAN = LapganConfig(height=8, width=8, sentence_units=5, base_units=4, filters=2, stages=1)


def test_known_words_are_those_of_the_sentence_encoder():
    served = build_served_module(sentence_model(GAN))
    caption, seed = tf.constant([f"a {WORDS[-1]} zebra"]), tf.constant([0], tf.int64)
    known = served.draw_steps(caption, seed, tf.constant([1.0]))["known"]
    assert known[0].numpy().tolist() == [True, False, True, *[False] * 5]


def test_a_gan_has_neither():
    served = build_served_module(sentence_model(GAN))
    assert {s.name for s in served.methods} == {"serving_default", "draw_steps"}


def sentence_model(config):
    model = build_model(config, caption_dropout=0.1)
    settings = TrainConfig(model=config, max_words=8, caption_dropout=0.1)
    return Trained(model, settings, VOCABULARY, Vectors(), 0)


def test_the_contract_has_the_ranges_of_the_library():
    assert GUIDANCE.high == contract.MAX_GUIDANCE
    assert TEMPERATURE.high == contract.MAX_TEMPERATURE


def test_of_two_drawings_that_fit_as_well_an_export_may_choose_either():
    expected = {
        contract.CHOSEN_SEED: np.int64([1, 2, 3]),
        contract.GAIN: np.float32([1.0, 2.0, 3.0]),
    }
    found = {
        contract.CHOSEN_SEED: np.int64([1, 5, 6]),
        contract.GAIN: np.float32([1.0, 2.001, 5.0]),
    }
    assert _same_choice(expected, found).tolist() == [True, False, True]


def test_what_clients_select_is_warmed_up(client):
    """A request of outputs that none has asked for takes seconds."""
    for method in (client.draw, client.draw_steps):
        for steering in ({"guidance": 1.0}, {"best_of": 2}):
            sent = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(client, "_send", sent.append)
                method(CAPTION, **steering)
            message = messages.PredictRequest.FromString(sent[0].message)
            signature = contract.SIGNATURES[message.model_spec.signature_name]
            selections = [sorted(names) for names in signature.selections]
            assert list(message.output_filter) in selections


def test_what_rest_asks_for_is_warmed_up(tmp_path):
    """REST cannot select: it asks for all outputs."""
    inputs = {contract.PROMPT: np.array([b"a dog"] * 8, object)}
    write_warmup(tmp_path, {contract.DRAW_GUIDED: inputs})
    records = tf.data.TFRecordDataset(str(tmp_path / WARMUP_FILE)).as_numpy_iterator()
    logs = map(PredictionLog.FromString, records)
    filters = {tuple(log.predict_log.request.output_filter) for log in logs}
    assert filters == {(), *contract.DRAW_GUIDED.selections}


def test_rest_takes_the_signature(server):
    inputs = {
        "prompt": [CAPTION],
        "seed": [3],
        "temperature": [1.0],
        "guidance": [1.5],
        "instead_of": [OTHER],
    }
    body = {"signature_name": "draw_guided", "inputs": inputs}
    status, answer = server.rest("/v1/models/t2i:predict", body)
    with Client(server.address, timeout=PATIENCE) as client:
        (picture,) = client.draw(CAPTION, seed=3, guidance=1.5, instead_of=OTHER)
    assert status == 200
    np.testing.assert_array_equal(answer["outputs"]["image"], picture.pixels[None])


def test_the_metadata_lists_what_a_client_may_send(client):
    signature = client.metadata().signatures["draw_best"]
    assert set(signature.inputs) == set(contract.DRAW_BEST.inputs)
    assert set(signature.outputs) == set(contract.DRAW_BEST.outputs)
