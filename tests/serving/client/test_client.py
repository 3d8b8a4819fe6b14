import asyncio
import io
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from PIL import Image

from serving import contract
from serving.client import messages
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.results import Metadata, VersionStatus
from serving.errors import RequestError, ServingError
from tests.patience import PATIENCE
from tests.serving.server_process import free_port

CAPTION = "a zebra is flying"


@pytest.fixture(scope="module")
def client(drawing_server):
    with Client(drawing_server.address) as client:
        yield client


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize(
    "statement",
    [
        "import serving.client.client, serving.client.async_client",
        "from serving.client import AsyncClient, Client, RequestError, ServingError",
    ],
)
def test_it_imports_neither_tensorflow_nor_the_library(statement):
    heavy = "{'tensorflow', 't2i_tf', 'pipelines', 'PIL', 'starlette'}"
    code = f"import sys; {statement}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_package_offers_what_a_user_needs():
    import serving.client as package

    assert package.Client is Client and package.AsyncClient is AsyncClient
    assert package.ServingError is ServingError and package.RequestError is RequestError
    assert set(package._DEFINED_IN) == set(package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Customer'"):
        package.Customer  # noqa: B018


def test_draw(client):
    pictures = client.draw(CAPTION, n=3, seed=5)
    assert [picture.seed for picture in pictures] == [5, 6, 7]
    for picture in pictures:
        assert picture.pixels.dtype == np.uint8 and picture.pixels.shape == (32, 32, 3)
        assert np.array_equal(pixels(picture.png), picture.pixels)
    (alone,) = client.draw(CAPTION, seed=6)
    assert alone.png == pictures[1].png


def test_draw_steps(client):
    drawings = client.draw_steps(CAPTION, n=2, seed=5)
    pictures = client.draw(CAPTION, n=2, seed=5)
    for drawing, picture in zip(drawings, pictures, strict=True):
        assert drawing.words == ("a", "zebra", "is", "flying")
        assert drawing.known == (True, False, True, True)
        assert drawing.canvases.shape == (10, 32, 32, 3) and drawing.canvases.dtype == np.uint8
        assert drawing.alignment.shape == (10, 4) and drawing.windows.shape == (10, 4)
        np.testing.assert_allclose(drawing.alignment.sum(1), 1, rtol=1e-5)
        assert drawing.png == picture.png
        assert np.array_equal(drawing.canvases[-1], picture.pixels)


def test_score_is_best_for_the_picture_that_was_drawn(client):
    own, other = client.draw(CAPTION, n=2, seed=5)
    bounds = client.score([other.png, own.png], CAPTION, seed=5)
    assert bounds.dtype == np.float32 and bounds[1] == 0 > bounds[0]


def test_metadata_is_the_contract(client):
    metadata = client.metadata()
    assert (metadata.model, metadata.version) == (contract.MODEL_NAME, 1)
    assert set(metadata.signatures) == {"serving_default", "draw_steps", "draw_guided", "score"}
    for name, found in metadata.signatures.items():
        for side in ("inputs", "outputs"):
            served, expected = (getattr(s, side) for s in (found, contract.SIGNATURES[name]))
            assert {n: t.dtype for n, t in served.items()} == {
                n: t.dtype for n, t in expected.items()
            }


def test_status(client):
    assert client.status() == [VersionStatus(1, "AVAILABLE", "")]


def test_many_threads_share_a_client(client):
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda seed: client.draw(CAPTION, seed=seed)[0], range(8)))
    assert [picture.seed for picture in drawn] == list(range(8))


def test_asyncio(drawing_server, client):
    async def run():
        async with AsyncClient(drawing_server.address) as server:
            one, two = await asyncio.gather(
                server.draw(CAPTION, seed=1), server.draw_steps(CAPTION, seed=2)
            )
            bounds = await server.score([one[0].png], CAPTION, seed=1)
            with pytest.raises(RequestError):
                await server.draw("")
            return one, two, bounds, await server.metadata(), await server.status()

    one, two, bounds, metadata, status = asyncio.run(run())
    assert one[0].png == client.draw(CAPTION, seed=1)[0].png
    assert two[0].png == client.draw(CAPTION, seed=2)[0].png
    assert bounds.tolist() == [0] and metadata.version == 1 and status[0].version == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prompt": " \n"}, "caption is empty"),
        ({"prompt": "long " * 1000}, "too long: 5,000 bytes"),
        ({"prompt": "\udcff"}, "not UTF-8"),
        ({"prompt": "a", "n": 0}, "from 1 to 4,096, not 0"),
        ({"prompt": "a", "n": 10**12}, "from 1 to 4,096"),
        ({"prompt": "a", "seed": 2**63}, "64 bits"),
        ({"prompt": "a", "temperature": float("nan")}, "temperature"),
        ({"prompt": "a", "temperature": -1}, "temperature"),
        ({"prompt": "a", "temperature": 1_000_001}, "at most 1000000, got 1e\\+06"),
        ({"prompt": "a", "seed": 1.5}, "seed must be a whole number, not 1.5"),
        ({"prompt": "a", "seed": np.int64(2**62), "best_of": 4}, "64 bits"),
        ({"prompt": "a", "n": 1.5}, "from 1 to 4,096, not 1.5"),
    ],
)
def test_wrong_arguments_are_not_sent(client, arguments, words):
    for method in (client.draw, client.draw_steps):
        with pytest.raises(RequestError, match=words):
            method(**arguments)


@pytest.mark.parametrize(
    "options",
    [
        {"server": " "},
        {"version": 1, "label": "stable"},
        {"timeout": 0},
        {"version": 2**63},
        {"version": -1},
        {"label": "\udcff"},
        {"label": ""},
        {"server": "https://localhost:8500"},
        {"tls_key": "key.pem"},
    ],
)
def test_connections_that_can_never_work(options):
    with pytest.raises(RequestError):
        Client(**options)


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ({"model": "x"}, "NOT_FOUND", "serves no 'x'"),
        ({"version": 9}, "NOT_FOUND", "in version 9"),
        ({"label": "x"}, "INVALID_ARGUMENT", "label: x"),
        ({"tls": True}, "UNAVAILABLE", "No secure connection"),
    ],
)
def test_the_servers_errors_are_explained(drawing_server, options, status, words):
    client = Client(drawing_server.address, **options)
    with client, pytest.raises(ServingError, match=words) as caught:
        client.draw(CAPTION)
    assert caught.value.status == status


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_caption_of_more_words_than_the_model_reads(client, n):
    with pytest.raises(RequestError) as caught:
        client.draw("bus " * 26, n)
    assert str(caught.value) == (
        "The caption has 26 words and marks, and this model reads at most 16. Shorten it."
    )


def test_the_metadata_states_how_many_words_a_caption_may_have(client):
    found = client.metadata()
    assert found.max_words == 16
    unstated = {"draw_steps": contract.Signature("draw_steps", {}, {"words": _tensor("[-1, -1]")})}
    assert Metadata("t2i", 1, unstated).max_words is None
    assert Metadata("t2i", 1, {}).max_words is None


def _tensor(shape):
    return contract.Tensor("string", shape)


def test_bytes_that_are_not_an_image(client):
    with pytest.raises(ServingError, match="refused the request"):
        client.score([b"no PNG"], CAPTION)
    with pytest.raises(RequestError):
        client.score(b"not a list", CAPTION)


def test_a_server_that_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client("127.0.0.1:{1}".format(*silent.getsockname()), timeout=0.3)
        with client, pytest.raises(ServingError, match=r"did not answer within 0\.3 s") as caught:
            client.draw(CAPTION)
    assert caught.value.status == "DEADLINE_EXCEEDED"


def test_no_server():
    client = Client(f"127.0.0.1:{free_port()}")
    with client, pytest.raises(ServingError, match=r"No server answers at 127\.") as caught:
        client.status()
    assert caught.value.status == "UNAVAILABLE"


class StatusServer:
    """Answers GetModelStatus, but the first `failures` times with UNAVAILABLE."""

    def __init__(self, failures=0, credentials=None):
        self.failures, self.asked = failures, 0
        self.server = grpc.server(ThreadPoolExecutor(2))
        handlers = {"GetModelStatus": grpc.unary_unary_rpc_method_handler(self.answer)}
        service = messages.GET_MODEL_STATUS.split("/")[1]
        self.server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, handlers)]
        )
        add = self.server.add_insecure_port
        if credentials:
            add = lambda address: self.server.add_secure_port(address, credentials)  # noqa: E731
        self.address = f"localhost:{add('localhost:0')}"

    def answer(self, request, context):
        self.asked += 1
        if self.asked <= self.failures:
            context.abort(grpc.StatusCode.UNAVAILABLE, "The queue is full")
        response = messages.GetModelStatusResponse()
        response.model_version_status.add(version=7, state=30)
        return response.SerializeToString()

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *exception):
        self.server.stop(0).wait()


def test_unavailable_is_tried_again():
    with StatusServer(failures=2) as server, Client(server.address) as client:
        assert client.status() == [VersionStatus(7, "AVAILABLE", "")]
    assert server.asked == 3


def test_it_gives_up_on_a_busy_server():
    with StatusServer(failures=9) as server, pytest.raises(ServingError, match="busy"):
        Client(server.address).status()
    assert server.asked == 4


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_tls_and_mutual_tls(tmp_path):
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE)
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    pair = [(key.read_bytes(), cert.read_bytes())]
    own = {"tls_ca": cert, "tls_certificate": cert, "tls_key": key}
    with StatusServer(credentials=grpc.ssl_server_credentials(pair)) as server:
        with Client(server.address, tls_ca=cert) as client:
            assert client.status()[0].version == 7
        with Client(server.address) as client, pytest.raises(ServingError, match="TLS"):
            client.status()
    mutual = grpc.ssl_server_credentials(pair, cert.read_bytes(), True)
    with StatusServer(credentials=mutual) as server:
        with Client(server.address, **own) as client:
            assert client.status()[0].version == 7
        with (
            Client(server.address, tls_ca=cert) as client,
            pytest.raises(ServingError, match="TLS"),
        ):
            client.status()


def test_files_that_are_not_certificates(tmp_path):
    with pytest.raises(ServingError, match="Cannot read"):
        Client(tls_ca=tmp_path / "none.pem")
    (tmp_path / "ca.pem").write_text("x")
    with pytest.raises(ServingError, match="not a PEM file"):
        Client(tls_ca=tmp_path / "ca.pem")


def test_a_server_of_another_kind():
    with StatusServer() as server, pytest.raises(ServingError, match="does not speak"):
        Client(server.address).draw(CAPTION)
