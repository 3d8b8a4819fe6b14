"""The page's HTTP server in a process of its own, stopped by its own id."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

from tests.patience import PATIENCE
from tests.serving.server_process import ROOT, free_port


class PageProcess:
    def __init__(self, folder: Path, server: str):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "page.log"
        flags = ["--server", server, "--port", str(self.port), "--timeout", str(PATIENCE)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "serving", "web", *flags], cwd=ROOT, stdout=log, stderr=log
            )

    def wait_until_ready(self, seconds: float = PATIENCE) -> "PageProcess":
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.fetch("/")
                return self
            except urllib.error.URLError:
                time.sleep(0.05)
        raise AssertionError(f"The page is not there:\n{self.log_path.read_text()}")

    def fetch(self, path: str, body=None, **headers) -> tuple[int, Message, bytes]:
        """Status, headers and content; `body` is sent as JSON, or as it is where it is bytes."""
        headers = {"Content-Type": "application/json"} | headers
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def error(self, path: str, body=None, **headers) -> tuple[int, str]:
        """Status and text of a request that must fail."""
        status, _, content = self.fetch(path, body, **headers)
        return status, json.loads(content)["error"]

    def stop(self) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
