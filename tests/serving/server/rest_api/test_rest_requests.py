"""REST over the wire: compression, numbers, base64, shapes, statuses, other sites."""

import base64
import gzip
import http.client
import json
import zlib

import pytest

from serving.server.rest_api.gzip_bodies import accepts_gzip, inflated
from serving.server.status import StatusError
from tests.patience import PATIENCE
from tests.serving.server.rest_api.test_rest_server import _start
from tests.serving.server_process import ServerThread

PREDICT = "/v1/models/half_plus_two:predict"
DRAW = "/v1/models/t2i:predict"
LIMIT = 1_048_576  # largest body of this server


@pytest.fixture(scope="module")
def server(models):
    flags = ["--model_name=half_plus_two", f"--model_base_path={models / 'half_plus_two'}"]
    server = ServerThread(*flags, f"--max_request_bytes={LIMIT}")
    try:
        yield server.wait_until_ready()
    finally:
        server.stop()


def send(server, path, body=b"", method="POST", **headers):
    """HTTP status, headers and body, as they are on the wire."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_gzip_both_ways(server):
    body = gzip.compress(json.dumps({"instances": [1, 2]}).encode())
    status, headers, content = send(
        server, PREDICT, body, Content_Encoding="gzip", Accept_Encoding="gzip, deflate"
    )
    assert status == 200 and headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) == len(content)
    assert json.loads(gzip.decompress(content)) == {"predictions": [3.5, 4.0]}


def test_no_gzip_is_sent_to_who_does_not_ask(server):
    for accepted in ("identity", "br", "gzip;q=0"):
        _, headers, content = send(server, PREDICT, {"instances": [1]}, Accept_Encoding=accepted)
        assert "content-encoding" not in headers and json.loads(content)["predictions"] == [3.5]


def test_a_gzip_bomb_is_too_large(server):
    bomb = gzip.compress(b" " * 50 * LIMIT)
    assert len(bomb) < LIMIT
    assert send(server, PREDICT, bomb, Content_Encoding="gzip")[0] == 413
    assert send(server, PREDICT, b" " * (LIMIT + 1))[0] == 413


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b"{}", "gzip", "not gzip"),
        (gzip.compress(b"{}", mtime=0)[:-9], "gzip", "ends before"),
        (b"", "gzip", "document is empty"),
        (gzip.compress(b"", mtime=0) * 1_001, "gzip", "at most 1000 members"),
        (b"{}", "br", "expected gzip or none, got br"),
    ],
)
def test_a_body_that_is_not_what_its_header_says(server, body, encoding, words):
    status, _, content = send(server, PREDICT, body, Content_Encoding=encoding)
    assert status == 400 and words in json.loads(content)["error"]


def test_inflating_stops_at_the_limit():
    members = gzip.compress(b"ab", mtime=0) + gzip.compress(b"cd")
    assert inflated(members, "gzip", 4) == b"abcd"
    with pytest.raises(StatusError):
        inflated(members, "gzip", 3)
    assert inflated(b"x", "", 1) == inflated(b"x", "identity", 1) == b"x"
    assert inflated(zlib.compress(b"a", wbits=31), "GZIP", 9) == b"a"


def test_who_accepts_gzip():
    assert accepts_gzip("deflate, gzip;q=0.5") and accepts_gzip("*")
    assert not accepts_gzip("") and not accepts_gzip("gzip; q=0, br")


@pytest.mark.parametrize("number", [16_777_217, 10**30, 3.5, -16_777_217, 1e-50])
def test_a_number_becomes_the_nearest_float(server, number):
    assert server.rest(PREDICT, {"instances": [number]})[0] == 200


@pytest.mark.parametrize("number", [10**39, 1e39, -(10**400)])
def test_a_number_over_the_largest_float_is_refused(server, number):
    status, answer = server.rest(PREDICT, {"instances": [number]})
    assert status == 400 and "loss of precision" in answer["error"]


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        lambda text: text.rstrip("="),
        lambda text: "\n".join(text[i : i + 5] for i in range(0, len(text), 5)) + "\n",
        lambda text: text[:3] + "\r\n" + text[3:].rstrip("="),
    ],
)
def test_base64_with_line_breaks_and_without_padding(drawing_server, write):
    prompt = {"b64": write(base64.b64encode(b"a red car").decode())}
    inputs = {"prompt": [prompt], "seed": [0], "temperature": [1.0]}
    plain = drawing_server.rest(DRAW, {"inputs": inputs | {"prompt": ["a red car"]}})
    assert plain[0] == 200 and drawing_server.rest(DRAW, {"inputs": inputs}) == plain


def test_scalars_where_a_batch_is_expected(drawing_server):
    inputs = {"prompt": "a red car", "seed": 0, "temperature": 1.0}
    status, answer = drawing_server.rest(DRAW, {"inputs": inputs})
    assert (status, answer["error"]) == (
        400,
        'prompt: expected the shape [batch], got a single value. Send a list: "prompt": [...]',
    )
    inputs = {"prompt": ["a red car"], "seed": [0], "temperature": [[1.0]]}
    status, answer = drawing_server.rest(DRAW, {"inputs": inputs})
    assert (status, answer["error"]) == (
        400,
        "temperature: expected the shape [batch], got [1, 1].",
    )


def test_extra_columns_are_ignored_and_missing_ones_named(server):
    assert server.rest(PREDICT, {"inputs": {"x": [1], "y": [2]}})[0] == 200
    status, answer = server.rest(PREDICT, {"inputs": {"y": [2]}})
    assert (status, answer["error"]) == (400, "Missing named input: x in 'inputs' object.")


def test_text_after_the_json(server):
    status, answer = server.rest(PREDICT, b'{"instances": [1]} x')
    assert (
        status == 400 and "must not be followed by other values. at offset: 19" in answer["error"]
    )


def test_unknown_paths(server):
    for path in ("/", "/v1", "/v2/models/half_plus_two", "/favicon.ico"):
        status, answer = server.rest(path)
        assert status == 404 and path in answer["error"]


@pytest.mark.parametrize("allowed", [False, True])
def test_other_sites_may_ask_where_a_flag_allows_it(allowed):
    flags = ["--rest_api_enable_cors_support"] if allowed else []
    server, _, url = _start(*flags)
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    origin = {"Origin": "http://example.org"}
    asked = origin | {"Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "content-type"}
    connection.request("OPTIONS", f"/{path}:predict", headers=asked)
    preflight = connection.getresponse()
    preflight.read()
    connection.request("GET", f"/{path}", headers=origin)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    server.stop()
    assert (preflight.status == 200) == allowed
    assert ("POST" in preflight.headers.get("access-control-allow-methods", "")) == allowed
    assert (answer.headers.get("access-control-allow-origin") == "*") == allowed
