"""`python -m auth_svc` as a process of its own."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from csms.auth.v1.user_service_pb2 import LoginRequest, LoginResponse
from csms.auth.v1.user_service_pb2_grpc import UserServiceStub

from mesh.audit.chain import FIRST_HASH, hash_of
from tests.mesh_identities import mesh_environment

ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = {
    "CSMS_AUTH_ADDRESS": "127.0.0.1:0",
    "CSMS_AUTH_OPERATOR_ADDRESS": "127.0.0.1:0",
    **mesh_environment("auth"),
    "CSMS_AUTO_MIGRATE": "1",
}


def _environment(directory: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "gen")])
    return kept | _SETTINGS | {"CSMS_DATA_DIR": str(directory), "PYTHONPATH": path} | more


def _run(directory: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "auth_svc", *arguments],
        env=_environment(directory, **settings),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def _await(text_of: Callable[[], str], pattern: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        match = re.search(pattern, text_of())
        if match:
            return match[1]
        time.sleep(0.02)
    raise AssertionError(f"no {pattern} in {text_of()!r}")


def test_whole_process_serves_and_stops(tmp_path: Path) -> None:
    """It prints the password on standard output only, serves a login, and ends cleanly on SIGTERM."""
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as stdout, err.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "auth_svc"], env=_environment(tmp_path), cwd=tmp_path, stdout=stdout, stderr=stderr
        )
        try:
            port = _await(err.read_text, r'"operator_port": (\d+)')
            password = _await(out.read_text, r"^administrator login: admin / (\S+)\n$")
            assert _login(port, password).user.username == "admin"
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(120)
    assert code == 0
    assert password not in err.read_text()


def _login(port: str, password: str) -> LoginResponse:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return UserServiceStub(channel).Login(LoginRequest(username="admin", password=password), timeout=60)


def test_migrate_makes_the_schema_and_exits(tmp_path: Path) -> None:
    """Without serving anything, and without the settings that only serving needs."""
    result = _run(tmp_path, "migrate", CSMS_MESH_KEY_FILE="", CSMS_MESH_PUBLIC_KEYS="", CSMS_AUTH_ADDRESS="")
    assert (result.returncode, result.stdout) == (0, "")
    database = sqlite3.connect(tmp_path / "auth.db")
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    users = database.execute("SELECT count(*) FROM user_account").fetchone()
    database.close()
    assert {"id_token", "user_account", "session", "signing_key", "outbox"} <= tables
    assert users == (0,)


def test_wrong_settings_end_in_one_line(tmp_path: Path) -> None:
    """For the person who started it, with the exit status that says not to try again."""
    result = _run(tmp_path, CSMS_REGISTRATION="perhaps")
    assert result.returncode == 78
    assert result.stderr == "auth_svc: CSMS_REGISTRATION='perhaps': one of closed, open is needed\n"


def test_database_that_is_away_is_told_in_one_line(tmp_path: Path) -> None:
    """Without the password in its URL; trying again may help, so another exit status."""
    url = "postgresql+psycopg2://csms:hidden@127.0.0.1:1/csms"
    result = _run(tmp_path, CSMS_DATABASE_URL=url)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("auth_svc: cannot use the database: ")
    assert "Traceback" not in result.stderr
    assert "hidden" not in result.stderr


def test_unknown_argument_is_told_the_usage(tmp_path: Path) -> None:
    result = _run(tmp_path, "serve")
    assert (result.returncode, result.stderr) == (
        2,
        "usage: python -m auth_svc [migrate | export TENANT | verify-audit]\n",
    )


def test_the_audit_of_a_database_is_verified(tmp_path: Path) -> None:
    """Status 0 and a line for each chain; 1 where an entry was changed, with its place."""
    assert _run(tmp_path, "migrate").returncode == 0
    fresh = _run(tmp_path, "verify-audit")
    assert (fresh.returncode, fresh.stdout) == (0, "no audit entries are linked yet\n")
    content = '{"action":"a","actorKind":"SYSTEM"}'
    digest = hash_of(
        source="auth", tenant_id="default", sequence=1, previous_hash=FIRST_HASH, time_us=5, content=content
    )
    database = sqlite3.connect(tmp_path / "auth.db")
    with database:
        row = (1, "default", 5, content, 1, FIRST_HASH, digest)
        database.execute("INSERT INTO audit_entry VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        database.execute("INSERT INTO audit_head VALUES ('default', 1, ?, 0, ?)", (digest, FIRST_HASH))
    whole = _run(tmp_path, "verify-audit")
    assert (whole.returncode, whole.stdout) == (
        0,
        f"auth tenant=default: 1 entries, the last is 1 with the hash {digest}: ok\n",
    )
    with database:
        database.execute("DROP TRIGGER audit_entry_no_update")
        database.execute("UPDATE audit_entry SET time_us = 6")
    database.close()
    changed = _run(tmp_path, "verify-audit")
    assert changed.returncode == 1
    assert changed.stdout.splitlines()[1] == "  CHANGED at 1: its content is not what was linked"
