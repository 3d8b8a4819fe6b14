import hashlib
import sys

import pytest

from t2i_tf.errors import UsageError, UserError
from t2i_tf.hub import hugging_face
from t2i_tf.hub.preset_folder import read_parts
from tests.t2i_tf.hub.hub_client import reimport_client
from tests.t2i_tf.hub.hub_server import running_hub

NOBODY = "http://127.0.0.1:9"  # a port where nothing listens
FILES = {
    "config.json": b"{}",
    "metadata.json": b'{"format": "t2i-tf preset 1"}',
    "vocabulary.txt": b"<pad>\t0\n",
    "model.weights.h5": b"weights",
    "README.md": b"---\nlicense: mit\n---\n# A model\n",
}


@pytest.fixture(scope="module")
def served():
    with running_hub() as (hub, endpoint):
        yield hub, endpoint


@pytest.fixture
def hub(served):
    served[0].__init__()
    return served[0]


@pytest.fixture
def client(served, monkeypatch, tmp_path):
    """A function that sets the client's variables."""

    def configure(**variables):
        endpoint = variables.pop("endpoint", served[1])
        reimport_client(monkeypatch, tmp_path / "home", endpoint, **variables)

    configure()
    return configure


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    for name, content in FILES.items():
        (made / name).write_bytes(content)
    return made


def push(folder, address="hf://someone/model", private=False):
    (folder / "private.txt").write_text("stays here")
    return hugging_face.upload(folder, address, files=[*FILES], private=private, message="A model")


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("hf://user/name", ("user/name", None)),
        ("hf://us-er/na.me_2/", ("us-er/na.me_2", None)),
        ("hf://user/name@v1.0", ("user/name", "v1.0")),
    ],
)
def test_addresses(address, parts):
    assert hugging_face.is_address(address) and hugging_face.parse(address) == parts


@pytest.mark.parametrize("address", ["hf://user", "hf://a/b/c", "hf://", "user/name", "hf://a b/c"])
def test_other_addresses_are_refused(address):
    with pytest.raises(UsageError, match="Expected hf://user/name"):
        hugging_face.parse(address)


def test_what_is_pushed_is_downloaded_once(hub, client, folder, tmp_path):
    assert push(folder).endswith("/someone/model")
    assert hub.repositories["someone/model"][-1].items() >= FILES.items()
    assert "private.txt" not in hub.repositories["someone/model"][-1]
    assert len(hub.objects) == 1  # the weights, by Git LFS
    loaded = hugging_face.download("hf://someone/model")
    assert loaded.is_relative_to(tmp_path / "home")
    assert {path.name for path in loaded.iterdir()} == FILES.keys() - {"README.md"}
    assert all((loaded / path.name).read_bytes() == FILES[path.name] for path in loaded.iterdir())
    hub.requests.clear()
    assert hugging_face.download("hf://someone/model") == loaded
    assert not [request for request in hub.requests if request.startswith("GET /someone")]


def test_a_second_push_is_a_new_commit_and_the_first_stays(hub, client, folder):
    push(folder)
    first = hub.sha("someone/model")
    (folder / "config.json").write_bytes(b'{"second": 2}')
    push(folder)
    assert len(hub.repositories["someone/model"]) == 3
    newest = hugging_face.download("hf://someone/model")
    assert (newest / "config.json").read_bytes() == b'{"second": 2}'
    before = hugging_face.download(f"hf://someone/model@{first}")
    assert (before / "config.json").read_bytes() == b"{}"


def test_the_cache_serves_without_a_network(hub, client, folder):
    push(folder)
    loaded = hugging_face.download("hf://someone/model")
    client(HF_HUB_OFFLINE=1)
    assert hugging_face.download("hf://someone/model") == loaded
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set, and the cache lacks it"):
        hugging_face.download("hf://someone/other")
    with pytest.raises(UserError, match="Cannot push to hf://someone/model: HF_HUB_OFFLINE is set"):
        push(folder)
    client(endpoint=NOBODY)
    assert hugging_face.download("hf://someone/model") == loaded


def test_a_damaged_copy_in_the_cache_is_downloaded_again(hub, client, folder):
    sha256 = hashlib.sha256(FILES["model.weights.h5"]).hexdigest()
    facts = f'{{"format": "t2i-tf preset 1", "sha256": "{sha256}"}}'
    (folder / "metadata.json").write_text(facts)
    push(folder)
    weights = hugging_face.download("hf://someone/model") / "model.weights.h5"
    weights.write_bytes(b"wei")  # as an interrupted copy leaves it
    client(HF_HUB_OFFLINE=1)
    with pytest.raises(UserError, match="is damaged, or was changed"):
        read_parts(hugging_face.download("hf://someone/model"))
    client()
    loaded = hugging_face.download("hf://someone/model")
    assert (loaded / "model.weights.h5").read_bytes() == FILES["model.weights.h5"]


def test_weights_that_are_damaged_on_the_hub_are_no_fault_of_the_cache(hub, client, folder):
    (folder / "metadata.json").write_text(
        f'{{"format": "t2i-tf preset 1", "sha256": "{"0" * 64}"}}'
    )
    push(folder)
    for _ in range(2):
        with pytest.raises(UserError, match="hf://someone/model is damaged on the hub: downloaded"):
            hugging_face.download("hf://someone/model")
    (folder / "metadata.json").write_bytes(FILES["metadata.json"])
    push(folder)
    assert (hugging_face.download("hf://someone/model") / "model.weights.h5").is_file()


def test_no_network_is_one_sentence(client, folder):
    client(endpoint=NOBODY)
    for attempt in (lambda: push(folder), lambda: hugging_face.download("hf://someone/model")):
        with pytest.raises(UserError, match=f"{NOBODY} cannot be reached") as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_a_missing_repository_or_revision_is_named(hub, client, folder):
    with pytest.raises(UserError, match=r"does not exist or is not yours.*hf auth login"):
        hugging_face.download("hf://someone/none")
    push(folder)
    with pytest.raises(UserError, match="no such repository or revision"):
        hugging_face.download("hf://someone/model@v9")


def test_a_push_without_a_login_says_how_to_log_in(hub, client, folder):
    client(HF_TOKEN=None)
    with pytest.raises(UserError, match=r"refused it \(401: Invalid.*\).*HF_TOKEN"):
        push(folder)
    assert not hub.repositories


def test_a_private_repository_is_for_those_who_log_in(hub, client, folder):
    push(folder, private=True)
    assert hub.private == {"someone/model"}
    hugging_face.download("hf://someone/model")
    client(HF_TOKEN=None, HF_HUB_CACHE=folder.parent / "other")
    with pytest.raises(UserError, match="not yours to read"):
        hugging_face.download("hf://someone/model")


def test_a_repository_without_a_preset_is_named(hub, client, folder):
    (folder / "model.weights.h5").unlink()
    push(folder)
    with pytest.raises(UserError, match=r"holds no preset.*pipelines push"):
        hugging_face.download("hf://someone/model")


def test_a_preset_of_another_library_is_named(hub, client, folder):
    (folder / "metadata.json").write_text('{"keras_version": "3.15.1"}')
    push(folder)
    with pytest.raises(UserError, match="hf://someone/model holds no preset"):
        hugging_face.download("hf://someone/model")


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((404, "", b'{"error": "gone"}'), "the hub answered 404: gone"),
        ((403, "", b"{}"), r"the hub refused it \(403\); log in"),
        (
            (403, "", b'{"error": "You have no rights in the organization someone."}'),
            r"refused it \(403: You have no rights in the organization someone\.\); log in",
        ),
        ((403, "GatedRepo", b"{}"), "its owner has to grant access first"),
        ((200, "", b"<html>Log in to this wireless network</html>"), "does not answer as a hub"),
        ((200, "", b"[]"), "does not answer as a hub"),
        ((200, "", b"null"), "does not answer as a hub"),
    ],
)
def test_an_answer_is_not_called_a_missing_network(hub, client, refusal, message):
    hub.refusal = refusal
    with pytest.raises(UserError, match=f"Cannot load hf://someone/model: .*{message}"):
        hugging_face.download("hf://someone/model")


def test_a_cache_that_cannot_be_written_is_one_sentence(hub, client, folder, tmp_path, caplog):
    push(folder)
    (tmp_path / "file").write_text("mine")
    for variable in ("HF_HOME", "HF_HUB_CACHE"):
        client(**{variable: tmp_path / "file"})
        with pytest.raises(
            UserError, match=r"Cannot load .*/file.*: (Not a directory|File exists)"
        ):
            hugging_face.download("hf://someone/model")
    assert not caplog.records  # of the client's, one for each file and try


def test_a_login_that_is_none_is_one_sentence(hub, client, folder):
    client(HF_TOKEN="hf_ä")
    with pytest.raises(UserError, match="the login has characters that no login of the hub has"):
        push(folder)


def test_what_cannot_be_sent_is_refused_before_the_work(client):
    hugging_face.check_can_send("hf://someone/model")
    with pytest.raises(UsageError, match=r"Cannot push to hf://-a/b: Repo id must"):
        hugging_face.check_can_send("hf://-a/b")
    client(HF_HUB_OFFLINE=1)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        hugging_face.check_can_send("hf://someone/model")


def test_the_missing_client_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"pip install -r requirements-hub\.txt"):
        hugging_face.download("hf://someone/model")
