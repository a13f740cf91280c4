"""The real mesh for tests: `python -m deploy.local` in a process of its own, on free ports."""

import json
import os
import queue
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.templates import shared_templates

SERVICES = ("auth", "notification", "station", "transaction")
ADMIN_PASSWORD = "test-password"
START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 120.0


@dataclass(kw_only=True)
class Answer:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of an error, which has google.rpc.Status for its body."""
        found: str = self.json["details"][0]["reason"]
        return found


@dataclass(kw_only=True)
class RunningMesh:
    """A mesh that is ready. URLs are without a slash at the end; those for charge points lack the station's id."""

    http_url: str
    ocpp_url: str  # through the front door
    gateway_url: str  # at the gateway itself
    stations_url: str | None  # at the front door's port for stations alone
    tls_urls: Mapping[str, str]  # for stations over TLS: "front door", "gateway", "stations"
    root: str | None  # of certificates that the run made, a file
    admin_password: str
    data_dir: Path
    process: subprocess.Popen[str]
    output: "Output" = field(repr=False)
    _token: str = field(default="", init=False, repr=False)
    _token_until_s: float = field(default=0.0, init=False)

    @property
    def target(self) -> str:
        """The front door as host:port, for a gRPC channel."""
        return self.http_url.partition("://")[2]

    @property
    def https(self) -> ssl.SSLContext | None:
        """The context of a client that trusts the certificates that the run made; None where there are none."""
        return None if self.root is None else ssl.create_default_context(cafile=self.root)

    def status(self) -> Any:
        """Process ids and ports of the parts, at present."""
        return json.loads((self.data_dir / "run" / "mesh.json").read_text())

    def pid(self, part: str) -> int:
        """The process id of one part, at present."""
        return int(self.status()["parts"][part]["pid"])

    def address(self, process: str, name: str = "address") -> str:
        """The inner address of a process: "address" (mesh port), "operator_address" or "metrics_address"."""
        return f"127.0.0.1:{self.status()['ports'][process][name]}"

    def request(self, method: str, path: str, *, body: Any = None, **headers: str) -> Answer:
        """One HTTP request; `_` in a header's name stands for `-`. A body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.http_url + path, data=data, method=method)  # noqa: S310 - our own
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if data is not None and not request.has_header("Content-type"):
            request.add_header("Content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.https) as answer:  # noqa: S310 - our own
                return Answer(status=answer.status, headers=_lower(answer.headers), body=answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(status=error.code, headers=_lower(error.headers), body=error.read())

    def log_in(self) -> str:
        """A new sign-in of the administrator; gives its access token."""
        answer = self.request("POST", "/v1/auth:login", body={"username": "admin", "password": self.admin_password})
        assert answer.status == 200, answer
        self._token = str(answer.json["accessToken"])
        self._token_until_s = time.monotonic() + answer.json["expiresInS"] / 2
        return self._token

    def token(self) -> str:
        """An access token of the administrator that is valid for half of its life at least.

        All callers share it, since a sign-in costs a fifth of a second of CPU. A test may have replaced the keys that
        sign tokens, so that it is verified.
        """
        is_young = time.monotonic() < self._token_until_s
        return self._token if is_young and self._is_valid(self._token) else self.log_in()

    def _is_valid(self, token: str) -> bool:
        return self.request("POST", "/v1/auth:verify", body={}, authorization=f"Bearer {token}").status == 200

    def stop(self, number: int = signal.SIGINT) -> int:
        """Sends a signal to the supervisor alone, and waits; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return finish(self.process, self.output)


class Output:
    """The output of a process, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._thread.start()

    def wait_for(self, text: str, timeout_s: float) -> str | None:
        """The next line with `text` in it; None where the output ends before. Raises TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            try:
                line = self._queue.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"no line with {text!r} in {timeout_s} s, only: {self.lines}") from None
            if line is None or text in line:
                return line

    def join(self) -> None:
        """Waits for the end of the output."""
        self._thread.join(STOP_TIMEOUT_S)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)


def launch(data_dir: Path, **settings: str) -> tuple[subprocess.Popen[str], Output]:
    """Starts the supervisor, with settings of its own beside `CSMS_DATA_DIR`; does not wait for anything."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
    chosen = {
        "CSMS_HTTP_PORT": "0",
        "CSMS_OCPP_PORT": "0",
        "CSMS_DEMO": "0",
        "CSMS_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "CSMS_LIFELINE": "1",  # should the tests be killed, it ends too
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.local"],
        env={**kept, **chosen, **settings, "CSMS_DATA_DIR": str(data_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return process, Output(process)


def finish(process: subprocess.Popen[str], output: Output) -> int:
    """Waits until the supervisor has ended; returns its exit status."""
    try:
        return process.wait(STOP_TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
        output.join()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def start(data_dir: Path, **settings: str) -> RunningMesh:
    """Starts a mesh and waits until it is ready. The caller stops it."""
    process, output = launch(data_dir, **settings)
    try:
        line = output.wait_for("ready after", START_TIMEOUT_S)
        assert line is not None, "\n".join(output.lines)
        found = json.loads((data_dir / "run" / "mesh.json").read_text())
    except BaseException:
        process.terminate()
        finish(process, output)
        raise
    return RunningMesh(
        http_url=found["httpUrl"],
        ocpp_url=found["ocppUrl"],
        gateway_url=found["gatewayUrl"],
        stations_url=found["stationsUrl"],
        tls_urls=found["tlsUrls"],
        root=found["root"],
        admin_password=settings.get("CSMS_ADMIN_PASSWORD", ADMIN_PASSWORD),
        data_dir=data_dir,
        process=process,
        output=output,
    )


@contextmanager
def running_mesh(data_dir: Path, **settings: str) -> Iterator[RunningMesh]:
    """A mesh for the length of a `with`.

    It finds its databases migrated; tests/local_run has the meshes that begin with nothing.
    """
    if "CSMS_DATABASE_URL" not in settings:
        data_dir.mkdir(parents=True, exist_ok=True)
        shared_templates().copy_sqlite(SERVICES, data_dir)
    mesh = start(data_dir, **settings)
    try:
        yield mesh
    finally:
        mesh.stop()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
