"""`python -m serving query` and `retrieve`, from the command line to the files they write."""

import errno
import io
import json
import math
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.cli import COMMANDS, main
from serving.client.client import Client
from serving.errors import ServingError
from serving.tools import demo as demo_module
from serving.tools import rank_images as rank_images_module
from tests.serving.server_process import ROOT, free_port

CAPTION = "a red bus is parked in the desert"


@pytest.fixture
def serving(drawing_server):
    """Runs a command in this process, against the server, and returns its exit code."""

    def run(*words):
        try:
            return main([*map(str, words), "--server", drawing_server.address])
        except SystemExit as end:
            return end.code

    return run


def test_a_picture_is_written_as_the_server_sent_it(serving, drawing_server, tmp_path, capsys):
    out = tmp_path / "out.png"
    assert serving("query", CAPTION, "--seed", 3, "--out", out) == 0
    with Client(drawing_server.address) as client:
        assert out.read_bytes() == client.draw(CAPTION, seed=3)[0].png
    assert capsys.readouterr().out == f"{out}\n"


@pytest.mark.parametrize("gif", [[], ["--gif", "zebra.gif"]])
def test_words_that_the_model_lacks_are_named(serving, gif, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    away = ["--guidance", 1, "--instead-of", "a Zebra on a quilt"]
    assert serving("query", "a zebra on a red unicycle", *away, *gif, "--out", "out.png") == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Words that are not in the model's vocabulary: zebra, unicycle, quilt. They are all read as"
        " one unknown word."
    )


def test_retrieve_names_words_that_the_model_lacks(serving, tmp_path, capsys):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    assert serving("retrieve", "a red unicycle", tmp_path) == 0
    assert "not in the model's vocabulary: unicycle." in capsys.readouterr().out


def test_pictures_are_written_where_a_server_cannot_name_words(
    serving, tmp_path, monkeypatch, capsys
):
    def fails(self, *captions):
        raise ServingError("gone")

    monkeypatch.setattr(Client, "unknown_words", fails)
    assert serving("query", "a zebra", "--out", tmp_path / "out.png") == 0
    assert (tmp_path / "out.png").is_file() and "zebra" not in capsys.readouterr().out


def test_a_grid_and_a_gif(serving, tmp_path):
    out, gif = tmp_path / "out.png", tmp_path / "out.gif"
    assert serving("query", CAPTION, "--n", 4, "--out", out, "--gif", gif) == 0
    assert Image.open(out).size == (2 * 256 + 8, 2 * 256 + 8)
    with Image.open(gif) as animation:
        assert animation.n_frames > 5 and animation.info["loop"] == 0
        assert animation.size == (520, 520)
    assert {path.name for path in tmp_path.iterdir()} == {"out.png", "out.gif"}


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["query", " "], 2, "caption is empty"),
        (["query", CAPTION, "--n", "0"], 2, "from 1 to 4,096"),
        (["query", CAPTION, "--n", "many"], 2, "many"),
        (["query"], 2, "What to draw"),
        (["query", CAPTION, "--out", "no/such/folder.png"], 2, "--out to be a file name"),
        (["query", CAPTION, "--version", "1", "--label", "x"], 2, "not both"),
        (["query", CAPTION, "--model", "x"], 1, "serves no 'x'"),
        (["query", CAPTION, "--tls-ca", "no.pem"], 1, "Cannot read no.pem"),
        (["retrieve", CAPTION, "no-folder"], 2, "not a folder"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)
def test_wrong_usage_and_failures_are_explained(serving, capsys, words, code, text):
    assert serving(*words) == code
    output = capsys.readouterr()
    assert text in " ".join((output.out + output.err).split())
    assert "Traceback" not in output.err


BYTES = "\udcff"  # of a command line that is not UTF-8, as Python passes it on


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["query", CAPTION, "--version", str(2**63)], "--version must be from 0"),
        (["query", CAPTION, "--version", "-1"], "--version must be from 0"),
        (["query", CAPTION, "--model", BYTES], "--model is not text"),
        (["query", CAPTION, "--label", BYTES], "--label is not text"),
        (["query", CAPTION, "--server", f"{BYTES}:80"], "--server is not text"),
        (["query", CAPTION, "--server", "http://localhost:8500"], "without http://"),
        (["query", CAPTION, "--server", "localhost"], "the address and the port of gRPC"),
        (["query", CAPTION, "--server", "localhost:80000"], "the address and the port of gRPC"),
        (["query", CAPTION, "--server", "::1:8500"], "such as localhost:8500 or [::1]:8500"),
        (["query", CAPTION, "--timeout", "inf"], "more than 0 and at most 1e+09 seconds, not inf"),
        (["query", CAPTION, "--temperature", "1000001"], "0 or more and at most 1000000, got"),
        (["query", CAPTION, "--temperature", "1e39"], "0 or more and at most 1000000, got"),
        (["query", CAPTION, "--out", ""], "Expected a value for --out, got an empty string"),
        (["query", CAPTION, "--model="], "Expected a value for --model, got an empty string"),
        (["query", ""], "Expected a value as argument 1, got an empty string"),
        (["retrieve", CAPTION, ""], "Expected a value as argument 2, got an empty string"),
        (["check", ""], "Expected a value as argument 1, got an empty string"),
        (["export", "--workdir", "x", "--out", ""], "Expected a value for --out"),
        (["web", "--tls-ca", ""], "Expected a value for --tls-ca, got an empty string"),
        (["query", CAPTION, "--out", ".."], "Expected --out to be a file name"),
        (["query", CAPTION, "--out", "a.jpg"], "Expected --out to be a PNG file, named .png"),
        (["query", CAPTION, "--gif", "a.webp"], "Expected --gif to be a GIF file, named .gif"),
        (["query", CAPTION, "--gif", "no/folder/a.gif"], "Expected --gif to be a file name"),
        (["query", CAPTION, "--out", "a.png", "--gif", "./a.png"], "are the same file"),
        (["retrieve", CAPTION, ".", "--out", "no/such/ranking.json"], "Expected --out"),
        (["retrieve", CAPTION, ".", "--top", "-1"], "--top must be at least 1"),
        (["bench", "--out", "no/such/results.json"], "Expected --out"),
        (["bench", "--warmup", "-1"], "--warmup must be 0 or more"),
        (["web", "--port", "80800"], "--port: expected a port"),
        (["demo", "--workdir", ".", "--out", "x", "--port", "80800"], "--port: expected a port"),
    ],
)
def test_what_can_never_work_is_wrong_usage_before_any_work(capsys, words, text):
    assert main(words) == 2
    assert text in capsys.readouterr().err


def test_a_caption_without_words_to_move_away_from_is_the_empty_one(serving, tmp_path):
    files = []
    for number, spelling in enumerate([[], ["--instead-of", ""], ["--instead-of", " \t"]]):
        files.append(tmp_path / f"{number}.png")
        command = ["query", CAPTION, "--guidance", "1.5", *spelling, "--out", files[-1]]
        assert serving(*command) == 0
    assert len({file.read_bytes() for file in files}) == 1
    assert serving("query", CAPTION, "--instead-of", " ", "--out", files[0]) == 0  # nothing moves


def test_the_demo_does_not_export_for_a_page_whose_port_is_taken(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(demo_module, "export_run", lambda *words: pytest.fail("exported"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["demo", "--workdir", str(tmp_path), "--port", str(port)]) == 1
    assert "the port is in use" in capsys.readouterr().err


def test_names_of_files_are_printed_as_they_are(capsys):
    rank_images_module._print([(-1.0, Path("[red]bus.png")), (-2.0, Path("[b]1.png"))], {})
    printed = capsys.readouterr().out
    assert "[red]bus.png" in printed and "[b]1.png" in printed


def test_the_disk_and_the_encoding_of_a_terminal_are_no_faults_of_the_program(monkeypatch):
    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device", "server.log")

    monkeypatch.setattr("serving.tools.demo.demo", full)
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", ascii_only)
    assert main(["demo"]) == 1
    assert main(["query", "犬", "--server", "犬:1"]) == 1
    ascii_only.flush()
    text = ascii_only.buffer.getvalue().decode()
    assert "server.log cannot be read or written: No space left on device." in text
    assert "No server answers at ?" in text


def test_no_server_is_a_failure(capsys):
    assert main(["query", CAPTION, "--server", f"127.0.0.1:{free_port()}"]) == 1
    assert "No server answers" in capsys.readouterr().err


@pytest.fixture
def folder(drawing_server, tmp_path):
    """Four images, some of another size or format, and a file that is not an image."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    with Client(drawing_server.address) as client:
        drawn = [Image.open(io.BytesIO(p.png)) for p in client.draw(CAPTION, n=2)]
    drawn[0].resize((128, 128), Image.Resampling.NEAREST).save(folder / "own.png")
    drawn[1].save(folder / "other.bmp")
    drawn[0].convert("L").save(folder / "grey.jpg")
    Image.fromarray(np.zeros((8, 9, 4), np.uint8)).save(folder / "black.webp")
    (folder / "broken.png").write_bytes(b"<html>")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_bound_that_is_no_number_has_no_rank_and_is_said():
    bounds = {Path("a"): math.nan, Path("b"): -2.0, Path("c"): -1.0, Path("d"): -math.inf}
    ranking, others = rank_images_module._ranked(bounds)
    assert ranking == [(-1.0, Path("c")), (-2.0, Path("b"))]
    assert others == {Path("a"): "its bound is nan", Path("d"): "its bound is -inf"}
    with pytest.raises(ServingError, match="None of 1 images has a finite bound"):
        rank_images_module._ranked({Path("a"): math.nan})


def test_retrieve_ranks_the_pictures(serving, folder, tmp_path, capsys):
    out = tmp_path / "ranking.json"
    assert serving("retrieve", CAPTION, folder, "--batch-size", 3, "--out", out) == 0
    result = json.loads(out.read_text())
    files = [entry["file"] for entry in result["ranking"]]
    bounds = [entry["bound"] for entry in result["ranking"]]
    assert files[0] == "own.png" and files[-1] == "black.webp" and len(files) == 4
    assert bounds == sorted(bounds, reverse=True)
    assert [entry["file"] for entry in result["skipped"]] == ["broken.png"]
    assert (result["caption"], result["model"], result["version"]) == (CAPTION, "t2i", 1)
    shown = capsys.readouterr().out
    assert shown.index("own.png") < shown.index("black.webp") < shown.index("skipped broken.png")


def test_a_folder_without_a_picture_that_can_be_read(serving, tmp_path, capsys):
    assert serving("retrieve", CAPTION, tmp_path) == 2
    (tmp_path / "broken.png").write_bytes(b"")
    assert serving("retrieve", CAPTION, tmp_path) == 1
    assert "None of 1 images" in capsys.readouterr().err


def test_serve_takes_the_flags_of_tensorflow_serving(capsys):
    with pytest.raises(SystemExit) as end:
        main(["serve", "--port=1"])
    assert end.value.code == 2
    assert "--model_base_path" in capsys.readouterr().err


HELP = """
import contextlib, io, json, sys
from serving.cli import COMMANDS, main
outcomes = {}
for name in ["", *COMMANDS]:
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            main([*name.split(), "--help"])
    except SystemExit as end:
        outcomes[name] = [end.code or 0, output.getvalue(), "tensorflow" in sys.modules]
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def help_outcomes():
    """For each command the exit code of --help, its output, and whether TensorFlow was imported."""
    command = [sys.executable, "-c", HELP]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_needs_no_tensorflow(help_outcomes, name):
    code, output, tensorflow = help_outcomes[name]
    assert code == 0 and not tensorflow
    assert "usage: python -m serving" in output


def test_the_client_commands_need_no_tensorflow():
    modules = "serving.commands, serving.tools.bench, serving.tools.demo, serving.tools.query"
    modules += ", serving.tools.rank_images, serving.web.command"
    code = f"import sys, {modules}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
