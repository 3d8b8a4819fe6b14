"""A stand-in for the Hugging Face Hub: what its client asks of it, over HTTP, in memory."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_stand_in"
LARGE = (".h5", ".npz")  # sent apart from the commit, by Git LFS


class Hub:
    """Repositories by name, each a list of commits: files by path."""

    def __init__(self):
        self.repositories: dict[str, list[dict[str, bytes]]] = {}
        self.private: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.refusal: tuple[int, str, bytes] | None = None  # of everything: status, code, body

    def sha(self, name):
        return f"{len(self.repositories[name]):040x}"

    def files(self, name, revision):
        commits = self.repositories[name]
        if revision in ("main", "refs/heads/main"):
            return commits[-1]
        number = int(revision, 16) if re.fullmatch("[0-9a-f]{40}", revision) else 0
        return commits[number - 1] if 0 < number <= len(commits) else None


def handler(hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, content=b"", headers=()):
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def refuse(self, status, code, message):
            self.answer(status, {"error": message}, {"X-Error-Code": code})

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            hub.requests.append(f"{self.command} {path}")
            if hub.refusal:
                status, code, content = hub.refusal
                return self.answer(status, content, {"X-Error-Code": code})
            for method, pattern, action in ROUTES:
                match = re.fullmatch(pattern, path)
                if match and self.command in method.split():
                    return action(self, body, *match.groups())
            return self.answer(404, {"error": f"no route {self.command} {path}"})

        do_GET = do_HEAD = do_POST = do_PUT = handle_any

        def may_write(self):
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                return True
            self.answer(401, {"error": "Invalid username or password."})
            return False

        def validate_yaml(self, body):
            content = json.loads(body)["content"]
            valid = content.startswith("---\n") and "\n---\n" in content
            errors = [] if valid else [{"message": "no YAML header"}]
            self.answer(200 if valid else 400, {"errors": errors, "warnings": []})

        def create(self, body):
            if not self.may_write():
                return
            wanted = json.loads(body)
            name = f"{wanted.get('organization') or 'someone'}/{wanted['name']}"
            if name in hub.repositories:
                return self.answer(409, {"error": "exists", "url": f"/{name}"})
            hub.repositories[name] = [{".gitattributes": b"*.h5 filter=lfs\n"}]
            if wanted.get("private") or wanted.get("visibility") == "private":
                hub.private.add(name)
            self.answer(200, {"url": f"http://{self.headers['Host']}/{name}", "name": name})

        def repository(self, name):
            hidden = name in hub.private and self.headers.get("Authorization") != f"Bearer {TOKEN}"
            if name in hub.repositories and not hidden:
                return True
            self.refuse(401, "RepoNotFound", "Repository not found")
            return False

        def preupload(self, body, name):
            if not self.may_write() or not self.repository(name):
                return
            paths = [file["path"] for file in json.loads(body)["files"]]
            modes = [
                {
                    "path": path,
                    "uploadMode": "lfs" if path.endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                }
                for path in paths
            ]
            self.answer(200, {"files": modes})

        def lfs_batch(self, body, name):
            host = self.headers["Host"]
            objects = [
                {
                    "oid": one["oid"],
                    "size": one["size"],
                    "actions": {"upload": {"href": f"http://{host}/objects/{one['oid']}"}},
                }
                for one in json.loads(body)["objects"]
            ]
            self.answer(200, {"transfer": "basic", "objects": objects})

        def put_object(self, body, oid):
            assert hashlib.sha256(body).hexdigest() == oid
            hub.objects[oid] = body
            self.answer(200)

        def commit(self, body, name):
            if not self.may_write() or not self.repository(name):
                return
            files = dict(hub.repositories[name][-1])
            for line in body.decode().splitlines():
                entry = json.loads(line)
                value = entry["value"]
                if entry["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                elif entry["key"] == "lfsFile":
                    files[value["path"]] = hub.objects[value["oid"]]
                elif entry["key"] == "deletedFile":
                    del files[value["path"]]
            hub.repositories[name].append(files)
            sha = hub.sha(name)
            url = f"http://{self.headers['Host']}/{name}/commit/{sha}"
            self.answer(200, {"success": True, "commitOid": sha, "commitUrl": url})

        def info(self, _, name, revision="main"):
            if not self.repository(name):
                return
            files = hub.files(name, revision)
            if files is None:
                return self.refuse(404, "RevisionNotFound", "Invalid rev id")
            siblings = [{"rfilename": path} for path in files]
            sha = hub.sha(name) if revision == "main" else revision
            self.answer(200, {"id": name, "sha": sha, "siblings": siblings})

        def tree(self, _, name, revision):
            entries = [
                {
                    "type": "file",
                    "path": path,
                    "size": len(data),
                    "oid": hashlib.sha1(data).hexdigest(),
                }
                for path, data in hub.files(name, revision).items()
            ]
            self.answer(200, entries)

        def resolve(self, _, name, revision, path):
            if not self.repository(name):
                return
            files = hub.files(name, revision)
            if files is None or path not in files:
                return self.refuse(404, "EntryNotFound", "Entry not found")
            headers = {
                "ETag": f'"{hashlib.sha1(files[path]).hexdigest()}"',
                "X-Repo-Commit": hub.sha(name) if revision == "main" else revision,
                "Accept-Ranges": "bytes",
            }
            self.answer(200, files[path], headers)

    name = r"([\w.-]+/[\w.-]+)"
    ROUTES = [
        ("POST", "/api/validate-yaml", Handler.validate_yaml),
        ("POST", "/api/repos/create", Handler.create),
        ("POST", f"/api/models/{name}/preupload/main", Handler.preupload),
        ("POST", f"/{name}\\.git/info/lfs/objects/batch", Handler.lfs_batch),
        ("PUT", "/objects/([0-9a-f]{64})", Handler.put_object),
        ("POST", f"/api/models/{name}/commit/main", Handler.commit),
        ("GET", f"/api/models/{name}", Handler.info),
        ("GET", f"/api/models/{name}/revision/(.+)", Handler.info),
        ("GET", f"/api/models/{name}/tree/([^/]+)", Handler.tree),
        ("GET HEAD", f"/{name}/resolve/([^/]+)/(.+)", Handler.resolve),
    ]
    return Handler


@contextmanager
def running_hub():
    """A hub and its address, as long as the context lasts."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
