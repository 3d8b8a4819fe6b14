import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import t2i_tf
from pipelines.sampling.generate import generate
from pipelines.sampling.sampler import Sampler
from pipelines.sampling.steering import Steering
from t2i_tf import checkpoints
from t2i_tf.errors import UsageError, UserError
from t2i_tf.hub import find_preset
from t2i_tf.text.tokenizer import Tokenizer, TokenReader
from t2i_tf.text.vocabulary import Vocabulary
from tests.t2i_tf.hub.tiny_runs import CAPTIONER, write_run

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

CAPTIONS = ["a red bus", "a green bus", "red"]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("hub") / "run", caption_dropout=0.1)


@pytest.fixture(scope="module")
def model(workdir):
    return t2i_tf.TextToImage.from_preset(workdir)


@pytest.fixture(scope="module")
def preset(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "small"
    model.save_to_preset(folder)
    return folder


def test_pictures_are_those_of_the_command(workdir, model, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "pipelines.sampling.generate.write_drawings", lambda out, rows: drawn.extend(rows) or []
    )
    generate(workdir, CAPTIONS, tmp_path, n=2, seed=5)
    for k in range(2):
        images = model.generate(CAPTIONS, seed=5 + k)
        assert images.dtype == np.uint8 and images.shape == (3, 6, 9, 3)
        np.testing.assert_array_equal(images, [row[k].image for row in drawn])


@pytest.mark.slow
def test_guided_pictures_are_those_of_the_command(workdir, model):
    for steering in (Steering(guidance=2.0), Steering(guidance=1.0, instead_of="a green")):
        rows = Sampler(checkpoints.load(workdir), steering=steering).draw(CAPTIONS, seed=3)
        images = model.generate(
            CAPTIONS, 3, guidance=steering.guidance, instead_of=steering.instead_of
        )
        np.testing.assert_array_equal(images, [row[0].image for row in rows])
    empty, unseen = (
        model.generate(CAPTIONS, 3, guidance=2.0, instead_of=t) for t in ("", "\u200b")
    )
    np.testing.assert_array_equal(unseen, empty)


def test_each_caption_may_have_its_own_seed_and_more_captions_than_a_batch(model):
    many = model.generate(["a red bus"] * 40, seed=range(40))
    assert many.shape[0] == 40
    for k in (0, 31, 32, 39):
        np.testing.assert_array_equal(model.generate("a red bus", seed=k), many[k])


def test_steps_have_canvases_alignment_and_words(model):
    drawn = model.generate_steps(CAPTIONS, seed=1)
    np.testing.assert_array_equal(drawn.images, model.generate(CAPTIONS, seed=1))
    np.testing.assert_array_equal(drawn.canvases[:, -1], drawn.images)
    assert drawn.words[0] == ["a", "red", "bus"]
    np.testing.assert_allclose(drawn.alignment[0, :, :3].sum(-1), 1, atol=1e-5)
    assert drawn.windows.shape == (3, 3, 4)


def test_unknown_words_are_said(model):
    with pytest.warns(UserWarning, match=r"does not know: \['zebra'\]"):
        model.generate("a red zebra")
    with pytest.warns(UserWarning, match=r"does not know: \['zebra'\]"):
        model.generate("a red bus", guidance=1.0, instead_of="a green zebra")
    assert model.unknown_words(["a zebra", "a Zebra crossing"]) == ["zebra", "crossing"]


def test_unknown_words_are_those_that_a_sentence_encoder_does_not_know(model):
    encoder = TokenReader(Tokenizer(Vocabulary.from_counts({"a": 2, "zebra": 1}), 8))
    reading = t2i_tf.TextToImage(model.settings, model.parts._replace(encoder=encoder))
    assert reading.unknown_words("a red zebra") == ["red"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": []}, "at least one caption"),
        ({"inputs": [" "]}, "caption with words"),
        ({"inputs": ["a"], "instead_of": "a bus"}, "nothing moves"),
        ({"inputs": ["a"], "guidance": 1.0, "instead_of": 5}, "one caption, got 5"),
        ({"inputs": ["a"], "guidance": 1.0, "instead_of": ["a bus"]}, r"one caption, got \['a bus"),
        ({"inputs": b"a"}, "captions as strings, got b'a'"),
        ({"inputs": {"a"}}, "captions in an order, such as a list, got a set"),
        ({"inputs": {"a": "b"}}, "got a dict"),
        ({"inputs": ["a", "red"], "seed": {5, 3}}, "seeds in an order, such as a list, got a set"),
        ({"inputs": "a", "seed": b"1"}, "seeds from 0 to .*, got b'1'"),
        ({"inputs": "a", "seed": True}, "seeds from 0 to .*, got True"),
        ({"inputs": "a", "temperature": "1"}, "temperature of 0 or more .*, got '1'"),
        ({"inputs": "a", "temperature": 1e38}, "at most 1000000, got 1e"),
        ({"inputs": [b"a"]}, "captions as strings, got b'a'"),
        ({"inputs": None}, "captions as strings, got None"),
        ({"inputs": ["a \udce9"]}, "captions of Unicode, got a lone surrogate"),
        ({"inputs": "a", "seed": 1.5}, "seeds from 0 to .*, got 1.5"),
        ({"inputs": "a", "seed": None}, "got None"),
        ({"inputs": "a", "temperature": float("inf")}, "temperature of 0 or more .*, got inf"),
        ({"inputs": ["a " * 30]}, "30 words"),
        ({"inputs": ["a"], "seed": [1, 2]}, "one seed, or 1 as there are captions, got 2"),
        ({"inputs": ["a"], "seed": -1}, "seeds from 0"),
        ({"inputs": ["a"], "temperature": -1.0}, "temperature of 0 or more"),
        ({"inputs": ["a"], "temperature": 1e7}, "temperature of 0 or more and at most 1000000"),
        ({"inputs": ["a"], "guidance": 21.0}, "guidance of 0 or more and at most 20"),
    ],
)
def test_wrong_arguments_are_refused(model, arguments, message):
    with pytest.raises(UserError, match=message):
        model.generate(**arguments)


def test_numpys_strings_and_numbers_are_taken_as_pythons(model):
    expected = model.generate("a red bus", seed=3, temperature=0.5)
    for caption in (np.array("a red bus"), np.array(["a red bus"])):
        seed, temperature = np.array(3), np.float32(0.5)
        images = model.generate(caption, seed=seed, temperature=temperature, guidance=np.int32(0))
        np.testing.assert_array_equal(images[0], expected)


def test_a_keras_file_has_the_strings_too(model, tmp_path):
    model.save(tmp_path / "x.keras")
    for loaded in (
        keras.saving.load_model(tmp_path / "x.keras"),
        t2i_tf.TextToImage.from_preset(tmp_path / "x.keras"),
    ):
        assert loaded.vocabulary == model.vocabulary and loaded.settings == model.settings
        np.testing.assert_array_equal(loaded.generate(CAPTIONS, 7), model.generate(CAPTIONS, 7))
    with pytest.raises(UserError, match=r"ends in \.keras, got .*x\.h5"):  # which has no words
        model.save(tmp_path / "x.h5")
    damaged = bytearray((tmp_path / "x.keras").read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 99] = b"\xff" * 99
    (tmp_path / "damaged.keras").write_bytes(damaged)
    with pytest.raises(UserError, match="cannot be loaded"):
        t2i_tf.TextToImage.from_preset(tmp_path / "damaged.keras")
    loaded.save_to_preset(tmp_path / "again")
    assert t2i_tf.TextToImage.from_preset(tmp_path / "again").parts == loaded.parts


def test_a_preset_is_read_without_this_project(model, preset):
    assert sorted(path.name for path in preset.iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "vocabulary.txt",
    ]
    shapes = []
    with h5py.File(preset / "model.weights.h5") as file:
        file.visititems(lambda _, item: shapes.append(getattr(item, "shape", ())))
    assert sum(int(np.prod(shape)) for shape in shapes if shape) == model.count_params()
    metadata = json.loads((preset / "metadata.json").read_text())
    assert metadata["weights"] == model.count_params() and metadata["dtype"] == "float32"
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in preset.iterdir())


def test_the_pictures_that_these_tests_compare_follow_caption_and_seed(model):
    assert (model.generate("a red bus") != model.generate("red")).any()
    assert (model.generate("a red bus", 1) != model.generate("a red bus", 2)).any()


def test_a_preset_draws_the_same(model, preset):
    loaded = t2i_tf.TextToImage.from_preset(preset)
    np.testing.assert_array_equal(loaded.generate(CAPTIONS, 7), model.generate(CAPTIONS, 7))


def test_float16_halves_the_weights_and_hardly_changes_a_picture(model, tmp_path):
    model.save_to_preset(tmp_path / "half", dtype="float16")
    with h5py.File(tmp_path / "half" / "model.weights.h5") as file:
        kinds = set()
        file.visititems(lambda _, item: kinds.add(str(getattr(item, "dtype", "float16"))))
    assert kinds == {"float16"}
    loaded = t2i_tf.TextToImage.from_preset(tmp_path / "half")
    for half, whole in zip(loaded.weights, model.weights, strict=True):
        assert half.dtype == "float32"
        np.testing.assert_array_equal(half, np.float32(np.float16(whole)))
    difference = loaded.generate(CAPTIONS).astype(int) - model.generate(CAPTIONS)
    assert np.abs(difference).max() <= 2


def test_weights_too_large_for_float16_are_refused(workdir, tmp_path):
    model = t2i_tf.TextToImage.from_preset(workdir)
    model.weights[0].assign(model.weights[0] + 1e6)
    with pytest.raises(UserError, match=r"beyond float16's 65,504.*float32"):
        model.save_to_preset(tmp_path / "half", dtype="float16")
    with pytest.raises(UsageError, match="float32 or float16, got 'int8'"):
        model.save_to_preset(tmp_path / "half", dtype="int8")
    assert not list(tmp_path.iterdir())


def test_a_preset_is_replaced_and_a_work_folder_is_not(workdir, model, preset, tmp_path):
    shutil.copytree(preset, tmp_path / "preset")
    shutil.copytree(workdir, tmp_path / "run")
    model.save_to_preset(tmp_path / "preset", dtype="float16")
    assert json.loads((tmp_path / "preset/metadata.json").read_text())["dtype"] == "float16"
    with pytest.raises(UserError, match="other files than those of a preset"):
        model.save_to_preset(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        model.save_to_preset(tmp_path / "file" / "preset")


def test_what_is_no_preset_is_named(preset, tmp_path):
    with pytest.raises(UserError, match=r"no weights 'align-draw'.*no such folder"):
        t2i_tf.TextToImage.from_preset("align-draw")
    with pytest.raises(UserError, match="not a work folder"):
        t2i_tf.TextToImage.from_preset(tmp_path)
    for other in (None, b"x", 3):
        with pytest.raises(UsageError, match="preset as a string or a path, got"):
            t2i_tf.TextToImage.from_preset(other)
    with pytest.raises(UserError, match="name of weights, got an empty one"):
        t2i_tf.TextToImage.from_preset("")
    with pytest.raises(UserError, match="There are no weights"):
        t2i_tf.TextToImage.from_preset("a" * 5000)
    for elsewhere in ("https://huggingface.co/user/name", "HF://user/name", Path("hf://user/name")):
        with pytest.raises(UserError, match="on the Hugging Face Hub it is hf://user/name"):
            t2i_tf.TextToImage.from_preset(elsewhere)
    with pytest.raises(UserError, match=r"it is a preset of .*train`, and these ship with weights"):
        t2i_tf.TextToImage.from_preset("align-draw-photos")
    (tmp_path / "x.keras").write_text("damaged")
    with pytest.raises(UserError, match="cannot be loaded"):
        t2i_tf.TextToImage.from_preset(tmp_path / "x.keras")
    with pytest.raises(UserError, match=r"ends in \.keras"):
        t2i_tf.TextToImage.from_preset(preset / "vocabulary.txt")
    shutil.copytree(preset, tmp_path / "cut")
    weights = tmp_path / "cut" / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"model\.weights\.h5 is damaged, or was changed"):
        t2i_tf.TextToImage.from_preset(tmp_path / "cut")
    (tmp_path / "cut" / "metadata.json").write_text('{"format": "t2i-tf preset 1"}')  # as of 0.1.0
    with pytest.raises(UserError, match=r"model\.weights\.h5 cannot be loaded"):
        t2i_tf.TextToImage.from_preset(tmp_path / "cut")
    weights.unlink()
    with pytest.raises(UserError, match=r"no whole preset: it has no model\.weights\.h5"):
        t2i_tf.TextToImage.from_preset(tmp_path / "cut")
    weights.write_text("")
    wrong = '{"format": "t2i-tf preset 1", "step": "x"}'
    (tmp_path / "cut" / "metadata.json").write_text(wrong)
    with pytest.raises(
        UserError, match=r"metadata\.json: wrong schema: .*step.* download it again"
    ):
        t2i_tf.TextToImage.from_preset(tmp_path / "cut")
    (tmp_path / "cut" / "metadata.json").write_text('{"format": "t2i-tf preset 2"}')
    with pytest.raises(UserError, match="expected the format 't2i-tf preset 1'"):
        t2i_tf.TextToImage.from_preset(tmp_path / "cut")


def test_weights_that_are_missing_or_no_numbers_are_named(preset, tmp_path):
    folder = tmp_path / "changed"
    shutil.copytree(preset, folder)
    (folder / "metadata.json").write_text('{"format": "t2i-tf preset 1"}')
    found = []
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        file.visititems(lambda name, item: found.append(name) if hasattr(item, "dtype") else None)
        file[found[0]].write_direct(np.full(file[found[0]].shape, np.nan, np.float32))
    with pytest.raises(UserError, match=r"h5 is damaged, or its .* no numbers"):
        t2i_tf.TextToImage.from_preset(folder)
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        del file[found[0]]
    with pytest.raises(UserError, match=r"cannot be loaded: .*: Layer .* expected . variables"):
        t2i_tf.TextToImage.from_preset(folder)


def test_a_model_of_keras_alone_is_refused(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "x.keras")
    with pytest.raises(
        UserError, match="holds a model of type Sequential, which is none of t2i-tf"
    ):
        t2i_tf.TextToImage.from_preset(tmp_path / "x.keras")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="only Unix has it")
def test_what_is_not_the_users_to_read_or_write_is_one_sentence(model, preset):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are one user's alone
        folder, weights = Path(name) / "closed", Path(name) / "open" / "model.weights.h5"
        for path in (folder, weights.parent):
            shutil.copytree(preset, path)
        for path, mode in ((Path(name), 0o755), (folder, 0), (weights, 0)):
            path.chmod(mode)
        user = os.geteuid()
        try:
            if user == 0:  # who may read everything
                os.seteuid(65534)
            for path in (folder, weights.parent):
                with pytest.raises(UserError, match="cannot be read: Permission denied"):
                    t2i_tf.TextToImage.from_preset(path)
            with pytest.raises(UserError, match="cannot be written: Permission denied"):
                model.save_to_preset(folder)
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_a_model_of_a_class_that_is_not_known_is_named_without_its_settings(model, tmp_path):
    model.save(tmp_path / "x.keras")
    path = rewritten(
        tmp_path / "x.keras",
        tmp_path / "y.keras",
        lambda _, contents: contents.replace(b"t2i_tf>TextToImage", b"own>Model").replace(
            b'"TextToImage"', b'"Model"'
        ),
    )
    with pytest.raises(UserError, match=r"cannot be loaded: .*'Model'") as error:
        t2i_tf.TextToImage.from_preset(path)
    assert "config" not in str(error.value)


def test_an_editors_mark_of_utf8_is_read_past(model, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "preset")
    for name in ("config.json", "metadata.json"):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())
    assert t2i_tf.TextToImage.from_preset(folder).parts == model.parts


def test_shipped_weights_are_found_by_name(preset, tmp_path, monkeypatch):
    monkeypatch.setattr(find_preset, "SHIPPED", tmp_path)
    (tmp_path / "__pycache__").mkdir()
    with pytest.raises(UserError, match="no weights ship with this version"):
        t2i_tf.TextToImage.from_preset("small-one")
    shutil.copytree(preset, tmp_path / "small-scenes")
    assert find_preset.shipped_names() == ["small-scenes"]
    assert t2i_tf.TextToImage.from_preset("small-scenes").settings.max_words == 29
    monkeypatch.chdir(tmp_path)  # where a folder has the name of weights that ship, it is meant
    assert find_preset.find_preset("small-scenes") == Path("small-scenes")
    monkeypatch.chdir(tmp_path.parent)
    assert find_preset.find_preset("small-scenes") == tmp_path / "small-scenes"
    with pytest.raises(
        UserError, match=r"nor do weights of this name ship\. Did you mean 'small-scenes'"
    ):
        t2i_tf.TextToImage.from_preset("small-scene")


@pytest.mark.parametrize("name", find_preset.shipped_names())
def test_weights_that_ship_are_small_and_described(name):
    folder = find_preset.SHIPPED / name
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 8 << 20
    weights = (folder / "model.weights.h5").read_bytes()
    assert hashlib.sha256(weights).hexdigest() in (folder / "README.md").read_text()


@pytest.mark.parametrize("name", ["align-draw-scenes", "conv-draw-scenes"])
def test_the_weights_of_scenes_draw_the_brightness_that_a_caption_asks_for(name):
    snow, night = t2i_tf.TextToImage.from_preset(name).generate(
        ["a red car in the snow", "a red car at night"]
    )
    assert snow.mean() > 2 * night.mean()


def test_the_weights_of_mnist_draw_where_a_caption_says():
    captions = [
        f"the digit seven is at the {place} of the image ."
        for place in ("top left", "bottom right")
    ]
    above, below = t2i_tf.TextToImage.from_preset("align-draw-mnist").generate(captions).astype(int)
    assert above[:30, :30].sum() > 0.9 * above.sum() > 0
    assert below[30:, 30:].sum() > 0.9 * below.sum() > 0


def test_the_weights_of_the_first_command_ship():
    assert find_preset.DEFAULT in find_preset.shipped_names()


def test_a_model_of_another_kind_is_named(tmp_path):
    folder = write_run(tmp_path / "captioner", CAPTIONER)
    with pytest.raises(UserError, match=r"another kind: load it with t2i_tf\.ImageToText\."):
        t2i_tf.TextToImage.from_preset(folder)
    captioner = t2i_tf.ImageToText.from_preset(folder)
    captions = captioner.generate(np.zeros((2, 6, 9, 3), np.uint8))
    assert len(captions) == 2 and captions[0] == captions[1]
    with pytest.raises(UserError, match="pictures of 6 x 9 x 3, got 9 x 6 x 3"):
        captioner.generate(np.zeros((2, 9, 6, 3), np.uint8))
    with pytest.raises(UserError, match="at least one picture"):
        captioner.generate(np.zeros((0, 6, 9, 3), np.uint8))
    with pytest.raises(UserError, match=r"from 0 to 1 as floats, got 0 to 200 as float64"):
        captioner.generate(np.linspace(0, 200, 162).reshape(1, 6, 9, 3))
    for other in (None, ["a.png"], [np.zeros((6, 9, 3)), np.zeros((6, 8, 3))]):
        with pytest.raises(UsageError, match="pictures as an array of numbers"):
            captioner.generate(other)
    for beam in (0, 1.5, None):
        with pytest.raises(UsageError, match="beam of 1 or more, got"):
            captioner.generate(np.zeros((1, 6, 9, 3)), beam=beam)
    as_integers = captioner.generate(np.full((1, 6, 9, 3), 200))
    assert as_integers == captioner.generate(np.full((1, 6, 9, 3), 200, np.uint8))


def test_the_import_alone_imports_neither_keras_nor_tensorflow():
    code = "import sys, t2i_tf; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_fresh_process_loads_a_file(model, tmp_path):
    model.save(tmp_path / "x.keras")
    code = (
        "import sys, t2i_tf.hub, keras\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "model.generate(['a red bus'], seed=2).tofile(sys.argv[2])\n"
    )
    out = tmp_path / "image"
    for imports in (code, code.replace("t2i_tf.hub, keras", "keras, t2i_tf")):
        subprocess.run([sys.executable, "-c", imports, tmp_path / "x.keras", out], check=True)
        assert out.read_bytes() == model.generate(["a red bus"], seed=2).tobytes()


def rewritten(source, target, change):
    """A `.keras` file whose members are those of another, changed; None leaves one out."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            contents = change(name, before.read(name))
            if contents is not None:
                after.writestr(name, contents)
    return target


def changed_config(**changes):
    def change(name, contents):
        if name != "config.json":
            return contents
        config = json.loads(contents)
        config["config"] |= changes
        return json.dumps(config)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda name, contents: None if "vocab" in name else contents, "has no vocabulary.txt"),
        (changed_config(settings=5), "settings of a model in `model`"),
        (changed_config(settings={"model": None}), "settings of a model in `model`"),
        (
            lambda name, contents: contents.replace(b'"latent_units": 2', b'"latent_units": 3'),
            "could not be loaded",
        ),
    ],
)
def test_a_keras_file_that_is_not_whole_is_one_sentence(model, tmp_path, change, message):
    model.save(tmp_path / "x.keras")
    path = rewritten(tmp_path / "x.keras", tmp_path / "y.keras", change)
    with pytest.raises(UserError, match=message) as error:
        t2i_tf.TextToImage.from_preset(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
