import json
import re
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

import t2i_tf
from pipelines.cli import main
from pipelines.sharing import model_card
from pipelines.sharing.card_captions import card_captions
from t2i_tf.errors import UserError
from t2i_tf.presets import PRESETS
from tests.pipelines.evaluation.evaluations import evaluation
from tests.t2i_tf.hub.hub_client import reimport_client
from tests.t2i_tf.hub.hub_server import running_hub
from tests.t2i_tf.hub.tiny_runs import CAPTIONER, write_run

pytestmark = pytest.mark.usefixtures("graphs_as_traced")

ADDRESS = "hf://someone/buses"
EVALUATION = {
    "system": "alignDRAW",
    "run": {
        "workdir": "run",
        "config": "DrawConfig",
        "model": "AlignDRAW",
        "weights": 1,
        "step": 9,
        "last_step": 9,
        "seconds": 1.0,
        "budget_spent": 1.0,
        "finished": True,
        "same_data": True,
    },
    "bound": {"test": {"value": -123.456, "low": -130.0, "high": -120.0}},
    "settings": {"split": "test", "seed": 3, "sizes": {}},
}
MANIFEST = {"source": "coco", "splits": {"train": {"examples": 1234, "captions": 5678}}}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("push") / "run", step=9, caption_dropout=0.1)
    (folder / "evaluation.json").write_text(json.dumps(EVALUATION))
    (folder / "data.json").write_text(json.dumps(MANIFEST))
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with running_hub() as (hub, endpoint):
        reimport_client(monkeypatch, tmp_path / "home", endpoint)
        yield hub


@pytest.fixture
def card(workdir, tmp_path, capsys):
    """The card of a dry run."""
    out = tmp_path / "preset"
    assert main(["push", str(workdir), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    assert "nothing sent" in capsys.readouterr().out
    return (out / "README.md").read_text()


def test_what_is_pushed_draws_the_same_elsewhere(workdir, hub, capsys):
    assert main(["push", str(workdir), ADDRESS, "--private", "--dtype", "float32"]) == 0
    said = capsys.readouterr().out
    assert f'from_preset("{ADDRESS}")' in said and "/someone/buses" in said
    assert hub.private == {"someone/buses"}
    sent = hub.repositories["someone/buses"][-1]
    assert {"README.md", "pictures.png", "model.weights.h5", "config.json"} <= sent.keys()
    expected = t2i_tf.TextToImage.from_preset(workdir).generate(["a red bus"], seed=5)
    loaded = t2i_tf.TextToImage.from_preset(ADDRESS)
    np.testing.assert_array_equal(loaded.generate(["a red bus"], seed=5), expected)


def test_the_usage_on_the_card_works_when_pasted(workdir, hub, tmp_path, monkeypatch):
    assert main(["push", str(workdir), ADDRESS]) == 0
    card = hub.repositories["someone/buses"][-1]["README.md"].decode()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert Image.open("drawing.png").size == (256, 256)


def test_the_card_has_a_header_that_the_hub_reads(card):
    header, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", card, re.DOTALL).groups()
    assert yaml.safe_load(header) == {
        "license": "apache-2.0",
        "library_name": "t2i-tf",
        "pipeline_tag": "text-to-image",
        "tags": ["keras", "tensorflow", "text-to-image"],
    }
    assert body.startswith("\n# buses\n")


def test_the_card_has_figures_data_settings_and_limits(card):
    for text in (
        "| bound: test, nats | -123.5 | -130.0 to -120.0 |",
        "on the split `test`, seed 3",
        "| data, train | 1,234 pictures, 5,678 captions |",
        "`coco`",
        "| `model.latent_units` | 2 |",
        "| `seed` | 0 |",
        "6 x 9 x 3",
        "at most 29 words",
        "`guidance=1.0`",
        "1. `a red bus`",
    ):
        assert text in card, text
    assert "\n\n\n" not in card  # no gaps where a part is missing


def test_a_card_that_was_edited_stays_and_is_sent(workdir, hub, tmp_path, capsys):
    out = tmp_path / "preset"
    command = ["push", str(workdir), ADDRESS, "--out", str(out)]
    assert main([*command, "--dry-run"]) == 0
    card, pictures = out / "README.md", (out / "pictures.png").read_bytes()
    edited = card.read_text() + "\nMine.\n"
    card.write_text(edited)
    capsys.readouterr()
    assert main([*command, "--captions", "a green bus", "--licence", "mit"]) == 0
    said = capsys.readouterr().out
    assert f"{card} stays as it is" in said and "Licence" not in said
    assert card.read_text() == edited and (out / "pictures.png").read_bytes() == pictures
    assert hub.repositories["someone/buses"][-1]["README.md"].decode() == edited


def test_a_card_of_the_preset_that_is_not_taken_over_is_named(workdir, tmp_path, capsys):
    preset, out = tmp_path / "preset", tmp_path / "out"
    t2i_tf.TextToImage.from_preset(workdir).save_to_preset(preset)
    (preset / "README.md").write_text("Mine.")
    assert main(["push", str(preset), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    assert f"nothing of {preset / 'README.md'}." in capsys.readouterr().out
    assert (preset / "README.md").read_text() == "Mine."


def test_figures_have_their_remarks_and_bars_in_names_end_no_cells(workdir, tmp_path):
    run, out = tmp_path / "run", tmp_path / "preset"
    shutil.copytree(workdir, run)
    other_data = EVALUATION["run"] | {"same_data": False}
    found = EVALUATION | {"run": other_data, "retrieval": evaluation()["retrieval"]}
    (run / "evaluation.json").write_text(json.dumps(found))
    assert main(["push", str(run), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    card = (out / "README.md").read_text()
    assert "| R@1, by L(x\\|y) alone | 1.0 | 0.5 to 1.5 |\n" in card
    assert "\n\n- The system was trained on another data folder than this one.\n" in card
    assert "\n\n## Limits" in card and "\n\n\n" not in card


def test_the_pictures_are_drawings_of_the_captions(workdir, tmp_path, capsys):
    out = tmp_path / "preset"
    captions = ["--captions", "a green bus", "a zebra"]
    command = ["push", str(workdir), ADDRESS, "--dry-run", "--out", str(out), *captions]
    assert main(command) == 0
    assert "drawings of words that the model does not know: ['zebra']" in capsys.readouterr().out
    card = (out / "README.md").read_text()
    assert "1. `a green bus`\n2. `a zebra`\n" in card and 'generate(["a green bus"]' in card
    assert Image.open(out / "pictures.png").width > 4 * 128


def test_figures_of_another_checkpoint_are_left_out_and_said(workdir, tmp_path, capsys):
    run = write_run(tmp_path / "run")
    other = EVALUATION | {"run": EVALUATION["run"] | {"step": 7}}
    (run / "evaluation.json").write_text(json.dumps(other))
    out = tmp_path / "preset"
    assert main(["push", str(run), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    assert "no figures: evaluation.json is that of step 7, not 0" in capsys.readouterr().out
    card = (out / "README.md").read_text()
    assert "## Figures" not in card and "data, train" not in card and "guidance" not in card
    (run / "evaluation.json").unlink()
    (out / "README.md").unlink()
    assert main(["push", str(run), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    assert "`python -m pipelines evaluate` writes it" in capsys.readouterr().out


def test_the_card_says_what_a_training_began_from(tmp_path):
    run, out = write_run(tmp_path / "run", words=("a", "dog's", "été"), step=9), tmp_path / "preset"
    init = {"init": "hf://other/model@v1", "system": "alignDRAW", "step": 1200}
    (run / "init.json").write_text(json.dumps(init))
    command = ["push", str(run), ADDRESS, "--dry-run", "--out", str(out), "--captions"]
    assert main([*command, "a dog's\nété"]) == 0
    card = (out / "README.md").read_text()
    assert yaml.safe_load(card.split("---\n")[1])["base_model"] == "other/model"
    assert "for 9 steps.\nThe training began from the weights of `hf://other/model@v1`" in card
    assert (
        "and, before, from the data of `hf://other/model@v1`" in card and " alone, with" not in card
    )
    assert "1. `a dog's été`\n" in card and 'generate(["a dog\'s été"]' in card


def test_the_card_does_not_say_where_the_folders_of_its_author_are(tmp_path):
    run, out = write_run(tmp_path / "run", step=9), tmp_path / "preset"
    init = {"init": str(tmp_path / "before"), "system": "alignDRAW", "step": 7}
    (run / "init.json").write_text(json.dumps(init))
    assert main(["push", str(run), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    card = (out / "README.md").read_text()
    assert "The training began from the weights of `before` (alignDRAW, step 7)" in card
    assert str(tmp_path) not in card


def test_the_card_says_that_a_training_was_not_finished(tmp_path, capsys):
    stated = "not finished: 29 % of its 31 steps were done"
    run = write_run(tmp_path / "run", step=9, steps=31, progress={"elapsed": 3.0})
    t2i_tf.TextToImage.from_preset(run).save_to_preset(tmp_path / "saved")
    t2i_tf.TextToImage.from_preset(run).save(tmp_path / "saved.keras")
    for preset in (run, tmp_path / "saved", tmp_path / "saved.keras"):
        out = tmp_path / f"card of {preset.name}"
        assert main(["push", str(preset), ADDRESS, "--dry-run", "--out", str(out)]) == 0
        assert (
            f"The model card has the words that its training was {stated}."
            in capsys.readouterr().out
        )
        card = (out / "README.md").read_text()
        assert f"for 9 steps.\nThe training was {stated}.\n" in card
        assert f"| training | step 9; {stated} |" in card
    assert json.loads((tmp_path / "saved" / "metadata.json").read_text())["share_done"] == 0.2903


def test_the_card_says_no_such_thing_of_a_finished_training(tmp_path):
    run = write_run(tmp_path / "run", step=9, steps=9, progress={"elapsed": 3.0})
    out = tmp_path / "preset"
    assert main(["push", str(run), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    assert "not finished" not in (out / "README.md").read_text()


def test_weights_that_were_not_trained_here_are_not_said_to_be(tmp_path):
    run, out = write_run(tmp_path / "run"), tmp_path / "preset"
    (run / "data.json").write_text(json.dumps(MANIFEST))  # `import-weights --data` writes it
    assert main(["push", str(run), ADDRESS, "--dry-run", "--out", str(out)]) == 0
    card = (out / "README.md").read_text()
    assert "t2i-tf has not trained these weights" in card
    assert "for 0 steps" not in card and "coco" not in card and "learnt from" not in card


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("evaluation.json", "`python -m pipelines evaluate` measures again"),
        ("init.json", "Delete it and leave out --init"),
        ("data.json", "copy that again"),
    ],
)
def test_a_damaged_file_of_a_run_says_what_to_do(tmp_path, name, remedy, capsys):
    run = write_run(tmp_path / "run", step=9)
    (run / name).write_text('{"step": 1')
    command = ["push", str(run), ADDRESS, "--dry-run", "--out", str(tmp_path / "preset")]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert f"{name}: not JSON" in error and remedy in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "manifest",
    [
        '{"source": "coco", "splits": null}',
        '{"splits": {"train": "x"}}',
        '{"source": "coco", "splits": {"train": {"examples": 3}}}',
        '{"source": ["coco"]}',
    ],
)
def test_a_damaged_manifest_of_the_data_is_one_sentence(tmp_path, manifest, capsys):
    run = write_run(tmp_path / "run", step=9)
    (run / "data.json").write_text(manifest)
    command = ["push", str(run), ADDRESS, "--dry-run", "--out", str(tmp_path / "preset")]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert "data.json: wrong schema" in error and error.count("\n") == 1
    assert not (tmp_path / "preset").exists()


def test_a_captioner_has_a_card_too(tmp_path, capsys):
    run, out = write_run(tmp_path / "run", CAPTIONER), tmp_path / "preset"
    command = ["push", str(run), ADDRESS, "--dry-run", "--out", str(out), "--dtype", "float16"]
    assert main(command) == 0
    assert "evaluate" not in capsys.readouterr().out  # which measures drawings
    card = (out / "README.md").read_text()
    assert "t2i_tf.ImageToText.from_preset" in card and "pipeline_tag: image-to-text" in card
    assert "height, width, channels = 6, 9, 3\n" in card and "stored as float16" in card
    assert not (out / "pictures.png").exists() and "\n\n\n" not in card


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("align-draw", "the canvas after every step, the attention over the words and the windows"),
        ("noalign-draw", "the canvas after every step and the windows"),
        ("skip-thought-draw", "the canvas after every step and the windows"),
        ("conv-draw", "the canvas after every step and the attention over the words"),
        ("lapgan", "the canvas after every stage"),
        ("fully-connected-vae", ""),
        ("captioner", ""),
    ],
)
def test_the_card_names_what_the_steps_of_its_system_show(name, shown):
    assert model_card._steps_in_words(PRESETS[f"{name}-scenes"].config.model) == shown


def test_captions_of_the_card_are_those_that_the_model_knows(workdir, tmp_path):
    model = t2i_tf.TextToImage.from_preset(workdir)
    assert card_captions(model) == ["a red bus"]
    assert card_captions(model, ["a zebra"]) == ["a zebra"]
    words = ("rot", ",", "haus", "bau")
    foreign = t2i_tf.TextToImage.from_preset(write_run(tmp_path / "run", words=words))
    assert card_captions(foreign) == ["bau", "haus", "rot"]
    empty = t2i_tf.TextToImage.from_preset(write_run(tmp_path / "empty", words=()))
    with pytest.raises(UserError, match="vocabulary is empty"):
        card_captions(empty)


def test_wrong_usage_and_no_network(workdir, tmp_path, monkeypatch, capsys):
    assert main(["push", str(workdir), ADDRESS, "--dry-run"]) == 2
    assert "give --out too" in capsys.readouterr().err
    assert main(["push", str(workdir), "someone/buses"]) == 2
    assert "Expected hf://user/name" in capsys.readouterr().err
    assert main(["push", str(workdir), ADDRESS, "--licence", "my: own"]) == 2
    assert "Expected --licence" in capsys.readouterr().err
    assert main(["push", str(tmp_path / "none"), ADDRESS]) == 1
    assert "There are no weights" in capsys.readouterr().err
    reimport_client(monkeypatch, tmp_path / "home", "http://127.0.0.1:9")
    assert main(["push", str(workdir), ADDRESS]) == 1
    error = capsys.readouterr().err
    assert "Cannot push to hf://someone/buses: http://127.0.0.1:9 cannot be reached." in error
    assert error.count("\n") == 1
