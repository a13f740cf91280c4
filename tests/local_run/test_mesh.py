"""`make run`, as a person meets it: the real parts, started, killed, stopped (issue 2, "what it must show", 5)."""

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import grpc
import pytest
from csms.auth.v1 import user_service_pb2, user_service_pb2_grpc
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from mesh.identity.key_files import PARTS
from tests.local_run.mesh_processes import processes_of
from tests.local_run.processes import runs, wait_until
from tests.running_mesh import START_TIMEOUT_S, RunningMesh, finish, launch, running_mesh, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes by way of /proc")


def _nothing_left(data_dir: Path, within_s: float = 90.0) -> bool:
    return wait_until(lambda: not processes_of(data_dir), within_s)


def _fails(data_dir: Path, **settings: str) -> str:
    """Starts a mesh that must fail: with one plain line, a status that is not 0, and nothing left. Returns the line."""
    process, output = launch(data_dir, **settings)
    status = finish(process, output)
    assert status == 1, output.lines
    told = [line for line in output.lines if line.startswith("cannot run: ")]
    assert len(told) == 1
    assert not any("Traceback" in line or "ready" in line.split() for line in output.lines), output.lines
    assert _nothing_left(data_dir)
    return told[0]


@pytest.mark.parametrize("setting", ["CSMS_HTTP_PORT", "CSMS_OCPP_PORT"])
def test_a_port_is_taken(tmp_path: Path, setting: str) -> None:
    """Found out before anything is started."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        line = _fails(tmp_path / "data", **{setting: str(port)})
    assert f"port {port} is taken" in line
    assert setting in line


def test_the_data_directory_is_not_writable(tmp_path: Path) -> None:
    """Not even by root, who runs these tests on some machines."""
    (tmp_path / "file").write_text("")
    line = _fails(tmp_path / "file" / "data")
    assert "cannot write to the data directory" in line
    assert "CSMS_DATA_DIR" in line


def test_a_part_dies_before_it_is_ready(tmp_path: Path) -> None:
    """Its own words are reported, and the others are stopped."""
    line = _fails(tmp_path / "data", CSMS_DATABASE_URL="postgresql+psycopg2://nobody@127.0.0.1:1/none")
    assert "_svc stopped before it was ready" in line
    assert "cannot use the database" in line


def test_a_setting_that_only_a_part_reads_is_wrong(tmp_path: Path) -> None:
    """Reported in the words of the part."""
    line = _fails(tmp_path / "data", CSMS_UNKNOWN_TOKENS="perhaps")
    assert "auth_svc stopped before it was ready: CSMS_UNKNOWN_TOKENS='perhaps'" in line


def test_two_meshes_on_one_data_directory(tmp_path: Path) -> None:
    """The second says so and ends; the first goes on. Two with a directory each do not meet."""
    with running_mesh(tmp_path / "one") as first:
        process, output = launch(tmp_path / "one")
        assert finish(process, output) == 1
        assert "another mesh is using the data directory" in output.lines[-1]
        with running_mesh(tmp_path / "two", CSMS_REFLECTION="0") as second:
            # Envoy's configuration has what it proves itself to the gateway with.
            assert (tmp_path / "two" / "run" / "envoy.yaml").stat().st_mode & 0o077 == 0
            assert {first.request("GET", "/healthz").status, second.request("GET", "/healthz").status} == {200}
            _has_no_reflection(second)


def _has_no_reflection(mesh: RunningMesh) -> None:
    """The setting turns it off, at the front door and behind it."""
    for target in (mesh.target, mesh.address("station", "operator_address")):
        with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as failure:
            ProtoReflectionDescriptorDatabase(channel).get_services()
        assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_login_is_told_once_and_data_stays(tmp_path: Path) -> None:
    """Made up at the first start; at the second it is another's business, and still opens the door."""
    first = start(tmp_path, CSMS_ADMIN_PASSWORD="")
    login = [line for line in first.output.lines if "administrator login: admin / " in line]
    assert first.stop() == 0
    assert len(login) == 1
    first.admin_password = login[0].partition(" / ")[2].split()[0]
    assert "ready" in next(line for line in reversed(first.output.lines) if line not in {"stopping", "stopped"})
    with running_mesh(tmp_path, CSMS_ADMIN_PASSWORD="") as second:
        assert not any("administrator login: " in line for line in second.output.lines)
        second.admin_password = first.admin_password
        assert second.log_in()
        logs = b"".join(path.read_bytes() for path in (tmp_path / "logs").iterdir())
        assert first.admin_password.encode() not in logs
    assert (tmp_path / "auth.db").stat().st_mode & 0o077 == 0


def _to_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)


def _to_supervisor(number: int) -> Callable[[subprocess.Popen[str]], None]:
    return lambda process: process.send_signal(number)


@pytest.mark.parametrize(
    "end",
    [_to_group, _to_supervisor(signal.SIGTERM), _to_supervisor(signal.SIGKILL)],
    ids=["ctrl-c", "sigterm", "sigkill"],
)
def test_nothing_is_left_running(tmp_path: Path, end: Callable[[subprocess.Popen[str]], None]) -> None:
    """However the supervisor ends."""
    mesh = start(tmp_path)
    assert len(processes_of(tmp_path)) >= 6
    end(mesh.process)
    try:
        assert _nothing_left(tmp_path), processes_of(tmp_path)
    finally:
        finish(mesh.process, mesh.output)


def test_ctrl_c_before_it_is_ready(tmp_path: Path) -> None:
    """Stops what was started so far."""
    process, output = launch(tmp_path)
    assert wait_until(lambda: len(processes_of(tmp_path)) >= 4)
    process.send_signal(signal.SIGINT)
    assert finish(process, output) == 0
    assert _nothing_left(tmp_path)
    assert not any("ready" in line for line in output.lines)


RUN = [sys.executable, "-m", "deploy.local"]
# As make does, where a window was opened for it: it gets the hang-up, and waits on.
WAITING_LEADER = (
    "import signal, subprocess, sys; signal.signal(signal.SIGHUP, lambda *_: None); subprocess.call(sys.argv[1:])"
)


@pytest.mark.parametrize("leader", [[], [sys.executable, "-c", WAITING_LEADER]], ids=["itself", "one that waits"])
def test_the_terminal_goes_away(tmp_path: Path, leader: list[str]) -> None:
    """A closed window: hang-up for the leader of the session, and a terminal that takes no more lines."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as in a terminal, also where the tests run under nohup
        os.environ.update(CSMS_DATA_DIR=str(tmp_path), CSMS_HTTP_PORT="0", CSMS_OCPP_PORT="0", CSMS_DEMO="0")
        os.execv(sys.executable, [*leader, *RUN] if leader else RUN)  # noqa: S606 - our own
    shown, deadline_s = b"", time.monotonic() + START_TIMEOUT_S
    while b"ready after" not in shown and time.monotonic() < deadline_s:
        with suppress(OSError):
            shown += os.read(terminal, 4096)
    assert b"ready after" in shown
    os.close(terminal)
    try:
        assert _nothing_left(tmp_path), processes_of(tmp_path)
    finally:
        for left in {pid, *processes_of(tmp_path)}:
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def mesh(tmp_path_factory: pytest.TempPathFactory) -> RunningMesh:
    """A mesh of this test's own. It is stopped by its lifeline's end at the latest."""
    return start(tmp_path_factory.mktemp("mesh"))


def test_each_process_has_its_own_secrets_alone(tmp_path: Path) -> None:
    """By the environments of the running processes."""
    with running_mesh(tmp_path) as mesh:
        environments = {part: Path(f"/proc/{mesh.pid(part)}/environ").read_bytes() for part in mesh.status()["parts"]}
        keys = mesh.data_dir / "keys"
        holders = {
            secret: {part for part, environment in environments.items() if secret.encode() in environment}
            for secret in (
                mesh.admin_password,
                str(keys / "front-door" / "secret"),
                *(str(keys / "private" / part / "key.pem") for part in PARTS),
            )
        }
        assert [*holders.values()] == [
            {"auth_svc"},
            {"gateway", *(f"{part}_svc" for part in PARTS if part != "gateway")},  # they believe Envoy's addresses
            *({"gateway" if part == "gateway" else f"{part}_svc"} for part in PARTS),
        ]
        assert not any(b"CSMS_MESH_SECRET=x" in environment for environment in environments.values())


def test_parts_that_die_are_started_again(mesh: RunningMesh) -> None:
    """Each on its old port, one line for its death and one for its return; callers keep their tokens."""
    try:
        token = mesh.token()
        before = mesh.status()
        for part, old in before["parts"].items():
            os.kill(old["pid"], signal.SIGKILL)
            assert mesh.output.wait_for(f"{part} died (killed by SIGKILL)", 60)
            assert mesh.output.wait_for(f"{part} is back", 120)
            assert mesh.pid(part) != old["pid"]
            assert runs(mesh.pid(part))
        assert mesh.status()["ports"] == before["ports"]
        assert wait_until(lambda: mesh.request("GET", "/healthz").status == 200)
        assert mesh.request("GET", "/v1/stations", authorization=f"Bearer {token}").status == 200
    finally:
        assert mesh.stop() == 0


def test_a_service_that_is_away_is_told_in_the_callers_own_form(mesh: RunningMesh) -> None:
    """503 in JSON, UNAVAILABLE with details, /healthz says so; and back again without a restart of anything else."""
    try:
        os.kill(mesh.process.pid, signal.SIGSTOP)  # or it would be back before we have looked
        auth = mesh.pid("auth_svc")
        os.kill(auth, signal.SIGKILL)
        assert wait_until(lambda: not runs(auth))
        credentials = {"username": "admin", "password": mesh.admin_password}
        answer = mesh.request("POST", "/v1/auth:login", body=credentials)
        assert (answer.status, answer.json["code"], answer.reason) == (503, 14, "SERVICE_AWAY")
        with grpc.insecure_channel(mesh.target) as channel, pytest.raises(grpc.RpcError) as failure:
            user_service_pb2_grpc.UserServiceStub(channel).Login(
                user_service_pb2.LoginRequest(**credentials), timeout=60
            )
        status = rpc_status.from_call(failure.value)
        info = error_details_pb2.ErrorInfo()
        assert status is not None
        assert status.details[0].Unpack(info)
        assert (status.code, info.reason) == (14, "SERVICE_AWAY")
        assert wait_until(lambda: mesh.request("GET", "/healthz").status == 503)
        assert mesh.request("GET", "/healthz").json == {"status": "NOT_SERVING"}
    finally:
        os.kill(mesh.process.pid, signal.SIGCONT)
    try:
        assert mesh.output.wait_for("auth_svc is back", 120)
        assert mesh.log_in()
        assert wait_until(lambda: mesh.request("GET", "/healthz").status == 200)
    finally:
        assert mesh.stop() == 0
