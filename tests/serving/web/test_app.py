"""The page's HTTP server, in a process of its own."""

import base64
import http.client
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from serving.cli import main
from serving.client.client import Client
from serving.errors import RequestError, ServingError
from serving.web import app
from serving.web.app import STATIC
from tests.patience import PATIENCE
from tests.serving.page_process import PageProcess
from tests.serving.server_process import free_port

WANTED = {"prompt": "a zebra is flying", "n": 2, "seed": 3, "temperature": 1}


def test_the_page_and_its_files(page):
    for path, kind in {
        "/": "text/html",
        "/style.css": "text/css",
        "/page.js": "javascript",
        "/icon.svg": "image/svg+xml",
    }.items():
        status, headers, content = page.fetch(path)
        assert status == 200 and kind in headers["content-type"] and content


@pytest.mark.parametrize("path", ["/", "/page.js", "/api/model", "/api/drawings", "/none"])
def test_headers_let_nothing_else_in(page, path):
    _, headers, _ = page.fetch(path)
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8080", "", "[::1", "1.2"])
def test_no_site_reads_the_page_under_a_name_of_its_own(page, host):
    status, error = page.error("/api/model", Host=host)
    assert status == 421 and "--allowed-hosts" in error


@pytest.mark.parametrize("host", ["localhost:8080", "LOCALHOST", "[::1]:8080", "192.0.2.1"])
def test_the_page_has_the_names_and_addresses_of_this_machine(page, host):
    assert page.fetch("/api/model", Host=host)[0] == 200


def test_no_file_names_another_host():
    for path in STATIC.iterdir():
        hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", path.read_text()))
        assert hosts <= {"www.w3.org"}, path  # the namespace of SVG


def test_no_inline_script_or_style():
    html = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", html)


def test_the_model(page):
    _, _, content = page.fetch("/api/model")
    expected = {"model": "t2i", "version": 1, "maxWords": 16, "guided": True}
    assert json.loads(content) == expected


def test_drawings_are_those_of_the_client(page, drawing_server):
    status, _, content = page.fetch("/api/drawings", WANTED)
    assert status == 200
    with Client(drawing_server.address) as client:
        expected = client.draw_steps(**WANTED)
    drawings = json.loads(content)["drawings"]
    assert [drawing["seed"] for drawing in drawings] == ["3", "4"]
    for drawing, other in zip(drawings, expected, strict=True):
        pixels = np.frombuffer(base64.b64decode(drawing["canvases"]), np.uint8)
        assert np.array_equal(pixels.reshape(drawing["shape"]), other.canvases)
        assert base64.b64decode(drawing["png"]) == other.png
        assert [word["text"] for word in drawing["words"]] == list(other.words)
        assert [word["known"] for word in drawing["words"]] == [True, False, True, True]
        np.testing.assert_allclose(drawing["alignment"], other.alignment, atol=1e-4)
        np.testing.assert_allclose(drawing["windows"], other.windows, atol=1e-4)


def test_guided_drawings_are_those_of_the_client(page, drawing_server):
    status, _, content = page.fetch("/api/drawings", WANTED | {"guidance": 1.5})
    assert status == 200
    with Client(drawing_server.address) as client:
        expected = client.draw_steps(**WANTED, guidance=1.5)
        plain = client.draw_steps(**WANTED)
    pngs = [base64.b64decode(drawing["png"]) for drawing in json.loads(content)["drawings"]]
    assert pngs == [drawing.png for drawing in expected]
    assert pngs != [drawing.png for drawing in plain]


def test_the_animation(page):
    status, headers, content = page.fetch("/api/animation", WANTED | {"n": 1})
    assert status == 200 and headers["content-type"] == "image/gif"
    with Image.open(io.BytesIO(content)) as animation:
        assert animation.size == (256, 256) and animation.n_frames > 5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (WANTED | {"prompt": ""}, "caption is empty"),
        (WANTED | {"prompt": "x" * 5000}, "too long"),
        (
            WANTED | {"prompt": "bus " * 26},
            "has 26 words and marks, and this model reads at most 16",
        ),
        (WANTED | {"prompt": 7}, "must be text"),
        (WANTED | {"n": 13}, "from 1 to 12"),
        (WANTED | {"n": True}, "from 1 to 12"),
        (WANTED | {"seed": 1.5}, "whole number"),
        (WANTED | {"seed": 2**70}, "64 bits"),
        (WANTED | {"temperature": "hot"}, "must be a number"),
        (b'{"prompt": "a", "temperature": NaN}', "temperature"),
        (WANTED | {"guidance": None}, "must be a number"),
        (WANTED | {"guidance": 21}, "guidance must be from 0 to 20"),
        (WANTED | {"guidance": 10**400}, "guidance must be a number"),
        (WANTED | {"temperature": 1e7}, "temperature to be 0 or more and at most 1000000"),
        (WANTED | {"temperature": -(10**400)}, "temperature must be a number"),
        (WANTED | {"more": 1}, "Expected a JSON object"),
        ([WANTED], "Expected a JSON object"),
        (b"{", "Expected a JSON object"),
        (b"[" * 50_000, "Expected a JSON object"),
        (b"\xff", "Expected a JSON object"),
    ],
)
def test_wrong_requests_are_explained(page, body, words):
    for path in ("/api/drawings", "/api/animation"):
        status, text = page.error(path, body)
        assert status == 400 and words in text
        assert "assertion" not in text and "{{" not in text


def test_what_is_not_read(page):
    assert page.error("/api/drawings", b" " * 70_000)[0] == 413
    assert page.error("/api/drawings", b"prompt=a", **{"Content-Type": "text/plain"})[0] == 415
    assert page.error("/api/drawings")[0] == 404  # a GET, where POST is expected
    assert page.error("/none")[0] == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RequestError("wrong"), 400),
        (ServingError("unknown model", "NOT_FOUND"), 404),
        (ServingError("queue is full", "UNAVAILABLE"), 503),
        (ServingError("too large", "RESOURCE_EXHAUSTED"), 429),
        (ServingError("late", "DEADLINE_EXCEEDED"), 504),
        (ServingError("broken", "INTERNAL"), 502),
        (ServingError("unreadable answer"), 502),
    ],
)
def test_errors_have_the_http_status_of_the_grpc_status(error, status):
    response = app.serving_error(None, error)
    assert response.status_code == status and json.loads(response.body) == {"error": str(error)}


def test_no_way_out_of_the_folder(page):
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py"):
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=PATIENCE)
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()


def test_without_a_server(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    page = PageProcess(tmp_path, address)
    try:
        page.wait_until_ready()
        status, text = page.error("/api/drawings", WANTED)
        assert status == 503 and f"No server answers at {address}" in text
    finally:
        page.stop()


def test_a_port_in_use(page, capsys):
    assert main(["web", "--port", str(page.port)]) == 1
    assert "Cannot listen" in capsys.readouterr().err
